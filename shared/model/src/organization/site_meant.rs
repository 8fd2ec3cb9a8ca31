//! Which site people mean when they write something other than its id: its name, its city, or its id with other hyphens
//! or a typo.

use super::{Organization, SiteDocument};

impl Organization {
    /// The one site that is probably meant; `None` when it could be several or none. It is only ever suggested.
    #[must_use]
    pub fn site_meant(&self, text: &str) -> Option<&SiteDocument> {
        let text = plain(text);
        let only = |is_meant: &dyn Fn(&SiteDocument) -> bool| {
            let mut found = self.sites.iter().filter(|site| is_meant(site));
            found.next().filter(|_| found.next().is_none())
        };
        if text.is_empty() {
            return None;
        }
        only(&|site| plain(site.local_id.as_str()) == text)
            .or_else(|| only(&|site| plain(&site.name) == text))
            .or_else(|| only(&|site| site.address.city.as_deref().map(plain).as_deref() == Some(&text)))
            .or_else(|| only(&|site| text.len() > 2 && plain(&site.name).contains(&text)))
            .or_else(|| only(&|site| text.len() > 3 && is_near(&plain(site.local_id.as_str()), &text)))
    }
}

/// Letters and digits in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether one character was left out, added, exchanged, or swapped with its neighbor.
fn is_near(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let rest = |text: &[char], from: usize| text.get(from..).unwrap_or_default().to_vec();
    match long.len() - short.len() {
        0 => {
            let pair = |text: &[char]| (text.get(same).copied(), text.get(same + 1).copied());
            let ((a, b), (c, d)) = (pair(short), pair(long));
            let swapped = b.is_some() && a == d && b == c;
            rest(short, same + 1) == rest(long, same + 1) || (swapped && rest(short, same + 2) == rest(long, same + 2))
        }
        1 => rest(short, same) == rest(long, same + 1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_that_is_meant_is_suggested_and_no_other() {
        let organization: Organization =
            serde_json::from_str(include_str!("../../../../samples/harborview.json")).unwrap();
        let meant = |text| organization.site_meant(text).map(|site| site.local_id.as_str());
        for (text, site) in [
            ("Seattle", Some("HV-SEA")),
            ("hv sea", Some("HV-SEA")),
            ("HV-SAE", Some("HV-SEA")),
            ("HV-PDXX", Some("HV-PDX")),
            ("HVBO", Some("HV-BOI")),
            ("portland", Some("HV-PDX")),
            ("Harborview", None),
            ("HV-", None),
            ("Tacoma", None),
            ("", None),
        ] {
            assert_eq!(meant(text), site, "{text}");
        }
    }
}
