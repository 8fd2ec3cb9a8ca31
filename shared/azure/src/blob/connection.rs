//! Connection strings and service URLs.
//!
//! | form | example |
//! |---|---|
//! | account key | `AccountName=acme;AccountKey=…;EndpointSuffix=core.windows.net` |
//! | own endpoint | `BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;AccountName=…;AccountKey=…` |
//! | SAS | `BlobEndpoint=https://acme.blob.core.windows.net;SharedAccessSignature=sv=…` |
//! | SAS in a URL | `https://acme.blob.core.windows.net/?sv=…` |
//! | local development | `UseDevelopmentStorage=true` |

use super::Error;
use azure_core::credentials::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

/// The well-known account of storage emulators, published by Microsoft; no secret.
const DEVELOPMENT_ACCOUNT: &str = "devstoreaccount1";
const DEVELOPMENT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Where an account is and how requests to it are signed.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// URL of the Blob service without a trailing slash; carries the SAS, if there is one.
    pub(super) service: Url,
    /// Name of the account, as far as it can be told.
    pub(super) account: Option<String>,
    /// Account key (base64) to sign with; `None` = the URL carries a SAS.
    pub(super) key: Option<Secret>,
}

impl Endpoint {
    /// Reads a connection string or a URL with a SAS.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.starts_with("https://") || text.starts_with("http://") {
            return Self::of_url(text);
        }
        let parts = Parts::parse(text)?;
        if parts.get("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            let service = service("http://127.0.0.1:10000/devstoreaccount1")?;
            return Ok(Self {
                service,
                account: Some(DEVELOPMENT_ACCOUNT.into()),
                key: Some(Secret::new(DEVELOPMENT_KEY)),
            });
        }
        let mut service = match parts.get("BlobEndpoint") {
            Some(url) => service(url)?,
            None => {
                let account = parts.get("AccountName").ok_or(invalid("AccountName or BlobEndpoint is missing"))?;
                let scheme = parts.get("DefaultEndpointsProtocol").unwrap_or("https");
                let suffix = parts.get("EndpointSuffix").unwrap_or("core.windows.net");
                service(&format!("{scheme}://{account}.blob.{suffix}"))?
            }
        };
        let account = parts.get("AccountName").map(str::to_owned).or_else(|| account_of(&service));
        if let Some(sas) = parts.get("SharedAccessSignature") {
            service.set_query(Some(sas.trim_start_matches('?')));
            return Ok(Self { service, account, key: None });
        }
        let key = parts.get("AccountKey").ok_or(invalid("AccountKey or SharedAccessSignature is missing"))?;
        if key.is_empty() || STANDARD.decode(key).is_err() {
            return Err(invalid("AccountKey is not base64"));
        }
        if account.is_none() {
            return Err(invalid("AccountName is missing"));
        }
        Ok(Self { service, account, key: Some(Secret::new(key.to_owned())) })
    }

    fn of_url(text: &str) -> Result<Self, Error> {
        let (base, sas) = text.split_once('?').ok_or(invalid("the URL carries no SAS"))?;
        let mut service = service(base)?;
        service.set_query(Some(sas));
        if !service.query_pairs().any(|(name, _)| name == "sig") {
            return Err(invalid("the URL carries no SAS"));
        }
        Ok(Self { account: account_of(&service), service, key: None })
    }
}

/// The account's name as it shows in a service URL: the first label of a host name, or the path after an address.
pub(super) fn account_of(service: &Url) -> Option<String> {
    match service.host()? {
        Host::Domain(host) if host != "localhost" => host.split('.').next().map(str::to_owned),
        _ => service.path_segments()?.next().filter(|name| !name.is_empty()).map(str::to_owned),
    }
}

struct Parts<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parts<'a> {
    fn parse(text: &'a str) -> Result<Self, Error> {
        text.split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').map(|(name, value)| (name.trim(), value.trim())))
            .collect::<Option<_>>()
            .map(Self)
            .ok_or(invalid("it is not a list of Name=Value separated by semicolons"))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty()).map(|(_, value)| *value)
    }
}

fn service(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text.trim_end_matches('/')).map_err(|_| invalid("the service address is not a URL"))?;
    let usable = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if usable { Ok(url) } else { Err(invalid("the service address is not a plain http or https URL")) }
}

fn invalid(reason: &'static str) -> Error {
    Error::Connection { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_published_forms_are_read() {
        for (text, url, account, key) in [
            (
                "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=a2V5;EndpointSuffix=core.windows.net",
                "https://acme.blob.core.windows.net/",
                "acme",
                Some("a2V5"),
            ),
            (
                "AccountName=dev;AccountKey=a2V5==;BlobEndpoint=http://127.0.0.1:10000/dev/;",
                "http://127.0.0.1:10000/dev",
                "dev",
                None,
            ),
            (
                "BlobEndpoint=https://acme.blob.core.windows.net/;SharedAccessSignature=?sv=2026-04-06&sig=a%2Bb%3D",
                "https://acme.blob.core.windows.net/?sv=2026-04-06&sig=a%2Bb%3D",
                "acme",
                None,
            ),
            (
                "https://acme.blob.core.windows.net/?sv=2026-04-06&sig=x",
                "https://acme.blob.core.windows.net/?sv=2026-04-06&sig=x",
                "acme",
                None,
            ),
            (
                "UseDevelopmentStorage=true",
                "http://127.0.0.1:10000/devstoreaccount1",
                "devstoreaccount1",
                Some(DEVELOPMENT_KEY),
            ),
        ] {
            if text.contains("a2V5==") {
                assert_eq!(Endpoint::parse(text).unwrap_err(), invalid("AccountKey is not base64"));
                continue;
            }
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!(endpoint.service.as_str(), url);
            assert_eq!(endpoint.account.as_deref(), Some(account));
            assert_eq!(endpoint.key.as_ref().map(Secret::secret), key);
        }
        let local = "AccountName=dev;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:10000/dev/;";
        assert_eq!(Endpoint::parse(local).unwrap().service.as_str(), "http://127.0.0.1:10000/dev");
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_quoting_it() {
        for text in [
            "",
            "hunter2",
            "AccountName=acme",
            "AccountKey=hunter2",
            "AccountName=acme;AccountKey=hunter2!",
            "https://acme.blob.core.windows.net/",
            "https://acme.blob.core.windows.net/?sv=hunter2",
            "BlobEndpoint=ftp://hunter2;AccountName=a;AccountKey=a2V5",
            "BlobEndpoint=https://user:hunter2@acme;AccountName=a;AccountKey=a2V5",
        ] {
            let error = Endpoint::parse(text).unwrap_err();
            assert!(matches!(error, Error::Connection { .. }), "{text}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn a_key_does_not_show_in_debug_output() {
        assert!(!format!("{:?}", Endpoint::parse("UseDevelopmentStorage=true").unwrap()).contains("Eby8"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,80}") {
            let _ = Endpoint::parse(&text);
            let _ = Endpoint::parse(&format!("BlobEndpoint={text};AccountName={text};AccountKey=a2V5"));
        }
    }
}
