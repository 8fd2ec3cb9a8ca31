//! Where a namespace is, and how to sign in to it.
//!
//! `Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=name;SharedAccessKey=key`; a ready-made signature
//! can replace the key (`SharedAccessSignature=…`). `UseDevelopmentEmulator=true`, or an endpoint that starts with
//! `amqp://`, means a broker on this machine without TLS.

use secrecy::SecretString;
use std::net::SocketAddr;
use url::Url;

/// The connection string or namespace cannot be used. Says what is wrong, but quotes no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Service Bus connection string cannot be used: {reason}")]
pub struct InvalidEndpoint {
    /// What is wrong.
    pub reason: &'static str,
}

/// Where a namespace is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address, without brackets.
    pub(super) host: String,
    /// Port; usually 5671 with TLS and 5672 without.
    pub(super) port: u16,
    /// Whether the connection is encrypted.
    pub(super) tls: bool,
}

/// How to sign in with a connection string.
#[derive(Debug, Clone)]
pub(super) enum SharedAccess {
    /// A key, from which signatures are made.
    Key { name: String, key: SecretString },
    /// A ready-made signature, used as it is until it expires.
    Signature(SecretString),
}

impl Endpoint {
    /// A namespace in Azure, by its host name.
    ///
    /// # Errors
    /// [`InvalidEndpoint`] when this is not a host name.
    pub fn of_namespace(host: &str) -> Result<Self, InvalidEndpoint> {
        let url = Url::parse(&format!("amqps://{host}")).map_err(|_| InvalidEndpoint { reason: "not a host name" })?;
        let bare = url.host_str() == Some(host) && url.port().is_none();
        if bare {
            Ok(Self { host: host.to_owned(), port: 5671, tls: true })
        } else {
            Err(InvalidEndpoint { reason: "not a host name" })
        }
    }

    /// A broker without TLS, on this machine.
    pub fn without_tls(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port(), tls: false }
    }

    /// Reads a connection string.
    pub(super) fn parse(text: &str) -> Result<(Self, SharedAccess), InvalidEndpoint> {
        let invalid = |reason| InvalidEndpoint { reason };
        let parts: Vec<(&str, &str)> = text
            .split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| part.split_once('=').map(|(name, value)| (name.trim(), value.trim())))
            .collect::<Option<_>>()
            .ok_or(invalid("it is not a list of Name=Value separated by semicolons"))?;
        let get = |name: &str| {
            parts
                .iter()
                .find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())
                .map(|(_, value)| *value)
        };
        let address = get("Endpoint").ok_or(invalid("Endpoint is missing"))?;
        let url = Url::parse(address).map_err(|_| invalid("Endpoint is not a URL"))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(invalid("Endpoint names no host"))?;
        let plain = match url.scheme() {
            "sb" => get("UseDevelopmentEmulator").is_some_and(|value| value.eq_ignore_ascii_case("true")),
            "amqps" => false,
            "amqp" => true,
            _ => return Err(invalid("Endpoint starts with neither sb://, amqps:// nor amqp://")),
        };
        let port = url.port().unwrap_or(if plain { 5672 } else { 5671 });
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let endpoint = Self { host, port, tls: !plain };
        if let Some(signature) = get("SharedAccessSignature") {
            return Ok((endpoint, SharedAccess::Signature(SecretString::from(signature))));
        }
        let name = get("SharedAccessKeyName").ok_or(invalid("SharedAccessKeyName is missing"))?.to_owned();
        let key = SecretString::from(get("SharedAccessKey").ok_or(invalid("SharedAccessKey is missing"))?);
        Ok((endpoint, SharedAccess::Key { name, key }))
    }

    /// What a token for a queue is issued for.
    pub(super) fn audience(&self, queue: &str) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.tls && self.port == 5671 {
            format!("sb://{host}/{queue}")
        } else {
            format!("sb://{host}:{}/{queue}", self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_namespace_in_azure_has_tls_and_one_on_this_machine_has_not() {
        let key = "SharedAccessKeyName=root;SharedAccessKey=a=b==";
        for (text, host, port, tls, audience) in [
            (
                "Endpoint=sb://acme.servicebus.windows.net/;",
                "acme.servicebus.windows.net",
                5671,
                true,
                "sb://acme.servicebus.windows.net/q",
            ),
            (
                "Endpoint=sb://localhost:5673;UseDevelopmentEmulator=true;",
                "localhost",
                5673,
                false,
                "sb://localhost:5673/q",
            ),
            ("Endpoint=sb://127.0.0.1;UseDevelopmentEmulator=true;", "127.0.0.1", 5672, false, "sb://127.0.0.1:5672/q"),
            ("Endpoint=amqp://[::1]:5672;", "::1", 5672, false, "sb://[::1]:5672/q"),
            ("Endpoint=amqps://host:5671;EntityPath=q;", "host", 5671, true, "sb://host/q"),
        ] {
            let (endpoint, access) = Endpoint::parse(&format!("{text}{key}")).unwrap();
            assert_eq!(endpoint, Endpoint { host: host.into(), port, tls }, "{text}");
            assert_eq!(endpoint.audience("q"), audience);
            let SharedAccess::Key { name, key } = access else { panic!("a key") };
            assert_eq!((name.as_str(), key.expose_secret()), ("root", "a=b=="));
        }
    }

    #[test]
    fn a_ready_signature_is_used_as_it_is() {
        let (_, access) =
            Endpoint::parse("Endpoint=sb://h;SharedAccessSignature=SharedAccessSignature sr=x&sig=y").unwrap();
        assert!(
            matches!(access, SharedAccess::Signature(text) if text.expose_secret() == "SharedAccessSignature sr=x&sig=y")
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_quoting_it() {
        for text in [
            "",
            "hunter2",
            "Endpoint=hunter2",
            "Endpoint=http://hunter2;SharedAccessKeyName=n;SharedAccessKey=k",
            "Endpoint=sb://h",
            "Endpoint=sb://h;SharedAccessKeyName=n",
            "Endpoint=sb://h;SharedAccessKey=hunter2",
        ] {
            assert!(!Endpoint::parse(text).unwrap_err().to_string().contains("hunter2"));
        }
        assert!(Endpoint::of_namespace("acme.servicebus.windows.net").is_ok());
        for host in ["", "a b", "sb://acme", "acme:5671", "user@acme", "acme/queue"] {
            assert!(Endpoint::of_namespace(host).is_err(), "{host}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,80}") {
            let _ = Endpoint::parse(&text);
            let _ = Endpoint::parse(&format!("Endpoint=sb://{text};SharedAccessKeyName={text};SharedAccessKey={text}"));
            let _ = Endpoint::of_namespace(&text);
        }
    }
}
