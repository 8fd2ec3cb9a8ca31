//! What differs between two versions of a stored document.

use serde_json::Value;

/// A value that differs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Where, as a path: `Order.EvaluationTypes[0]`.
    pub(crate) path: String,
    /// What it was; `None` = it was not there.
    pub(crate) before: Option<String>,
    /// What it is.
    pub(crate) after: Option<String>,
}

/// Every value that differs, in the order of the documents. Text that is not JSON is not compared.
pub(crate) fn differences(before: &str, after: &str) -> Vec<Difference> {
    let (Ok(before), Ok(after)) = (serde_json::from_str(before), serde_json::from_str(after)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    compare(String::new(), Some(&before), Some(&after), &mut found);
    found
}

fn compare(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                compare(below(name), old.get(name), new.get(name), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for place in 0..old.len().max(new.len()) {
                compare(format!("{path}[{place}]"), old.get(place), new.get(place), found);
            }
        }
        _ => found.push(Difference { path, before: before.map(text), after: after.map(text) }),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let before = r#"{"Site":{"LocalId":"S1"},"Order":{"LocalId":"O1","EvaluationTypes":["DR"],"Urgent":true}}"#;
        let after = r#"{"Site":{"LocalId":"S2"},"Order":{"LocalId":"O1","EvaluationTypes":["DR","AMD"]}}"#;
        let told: Vec<_> = differences(before, after)
            .into_iter()
            .map(|one| format!("{} {:?} {:?}", one.path, one.before.as_deref(), one.after.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                r#"Site.LocalId Some("S1") Some("S2")"#,
                r#"Order.EvaluationTypes[1] None Some("AMD")"#,
                r#"Order.Urgent Some("true") None"#
            ]
        );
        assert!(differences(before, before).is_empty());
        assert!(differences("no JSON", after).is_empty());
    }
}
