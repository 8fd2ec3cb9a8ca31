//! An endpoint on a free port, and a client that signs its requests independently of the server's code.

use std::collections::BTreeMap;
use std::time::Duration;

use azure_core::credentials::Secret;
use azure_core::hmac::hmac_sha256;
use iris_local_blob::auth::{Account, Key};
use iris_local_blob::http::{Faults, Options, serve};
use iris_local_blob::store::Store;
use iris_local_blob::{BlobName, ContainerName};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const CONTAINER: &str = "harborview-drops";

/// A running endpoint with one account and an empty container.
pub(crate) struct Endpoint {
    pub(crate) store: Store,
    pub(crate) account: Account,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) faults: Faults,
    pub(crate) client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<std::io::Result<()>>>,
}

impl Endpoint {
    pub(crate) async fn start() -> Self {
        Self::with_store(Store::temporary().unwrap()).await
    }

    pub(crate) async fn with_store(store: Store) -> Self {
        store.ensure_container(&container()).await.unwrap();
        let account = Account::new("irislocal", Key::random()).with_key(Key::random());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Faults::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let accounts = vec![(account.clone(), store.clone()), (Account::development(), Store::temporary().unwrap())];
        let options = Options { faults: faults.clone(), tls: None };
        let served = tokio::spawn(async move {
            let shutdown = async move {
                let _ = stopped.await;
            };
            serve(listener, accounts, options, shutdown).await
        });
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { store, account, address, faults, client, stop: Some(stop), served: Some(served) }
    }

    /// Stops the endpoint and closes its store.
    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.served.take().unwrap().await.unwrap().unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        let url = self.account.endpoint(self.address).url().to_owned();
        if path.is_empty() { url.parse().unwrap() } else { format!("{url}/{path}").parse().unwrap() }
    }

    /// A request signed with the account key; `path` as it goes on the wire, with its query.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Response {
        let url = self.url(path);
        let body = body.into();
        let mut own: BTreeMap<String, String> =
            headers.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_owned())).collect();
        own.insert("x-ms-date".to_owned(), httpdate());
        own.entry("x-ms-version".to_owned()).or_insert_with(|| "2026-04-06".to_owned());
        if method == "PUT" || method == "POST" {
            own.insert("content-length".to_owned(), body.len().to_string());
        }
        let text = string_to_sign(method, &url, &own, self.account.name());
        let key = Secret::new(self.account.keys()[0].to_base64());
        let signature = hmac_sha256(&text, &key).unwrap();
        let mut request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        for (name, _) in headers {
            request = request.header(*name, own[&name.to_lowercase()].as_str());
        }
        for name in ["x-ms-date", "x-ms-version", "content-length"] {
            if let (Some(value), false) = (own.get(name), headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)))
            {
                request = request.header(name, value);
            }
        }
        let authorization = format!("SharedKey {}:{signature}", self.account.name());
        request.header("authorization", authorization).body(body).send().await.unwrap()
    }

    /// Puts a blob, which must work.
    pub(crate) async fn put(&self, name: &str, body: impl Into<Vec<u8>>) -> Response {
        let path = format!("{CONTAINER}/{name}");
        let response = self.send("PUT", &path, &[("x-ms-blob-type", "BlockBlob")], body).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        response
    }

    pub(crate) async fn get(&self, name: &str, headers: &[(&str, &str)]) -> Response {
        self.send("GET", &format!("{CONTAINER}/{name}"), headers, "").await
    }
}

pub(crate) fn container() -> ContainerName {
    ContainerName::new(CONTAINER).unwrap()
}

pub(crate) fn blob(name: &str) -> BlobName {
    BlobName::new(name).unwrap()
}

pub(crate) fn httpdate() -> String {
    jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// Status and error code.
pub(crate) fn failure(response: &Response) -> (u16, &str) {
    (response.status().as_u16(), header(response, "x-ms-error-code"))
}

/// The text a SharedKey signature is over; `headers` by lower-case name.
pub(crate) fn string_to_sign(method: &str, url: &Url, headers: &BTreeMap<String, String>, account: &str) -> String {
    let own = |name: &str| headers.get(name).map(String::as_str).unwrap_or_default();
    let length = if own("content-length") == "0" { "" } else { own("content-length") };
    let mut text = format!(
        "{method}\n{}\n{}\n{length}\n{}\n{}\n\n{}\n{}\n{}\n{}\n{}\n",
        own("content-encoding"),
        own("content-language"),
        own("content-md5"),
        own("content-type"),
        own("if-modified-since"),
        own("if-match"),
        own("if-none-match"),
        own("if-unmodified-since"),
        own("range"),
    );
    for (name, value) in headers.iter().filter(|(name, _)| name.starts_with("x-ms-")) {
        text.push_str(&format!("{name}:{}\n", value.trim()));
    }
    text.push_str(&format!("/{account}{}", url.path()));
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        query.entry(name.to_lowercase()).or_default().push(value.into_owned());
    }
    for (name, mut values) in query {
        values.sort();
        text.push_str(&format!("\n{name}:{}", values.join(",")));
    }
    text
}
