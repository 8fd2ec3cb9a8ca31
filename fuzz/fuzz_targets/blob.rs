//! Requests to the Blob endpoint, as bytes on a connection.
//!
//! The input is a script of requests: most are well-formed lines and headers with arbitrary values, signed with the
//! account's key or carrying a shared access signature, so that they get beyond authorization; others are raw bytes.
//! One store serves all scripts; each begins with the same two blobs in a new container and leaves nothing behind. A
//! panic is a finding, and so is an answer that says the endpoint failed (500).
#![no_main]

use iris_local_blob::auth::{Account, SasTerms};
use iris_local_blob::http::{Options, serve_stream};
use iris_local_blob::store::{Conditions, PutOptions, Store};
use iris_local_blob::{BlobName, ContainerName};
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

/// Most requests of a script.
const REQUESTS: usize = 24;
const ACCOUNT: &str = "/devstoreaccount1";

const METHODS: &[&str] = &["GET", "PUT", "HEAD", "DELETE", "POST", "PUT", "PUT", "PATCH"];
const PATHS: &[&str] =
    &["/box/one", "/box/two", "/box/dir/three", "/box", "", "/", "/other", "/box/%C3%BC+%2B~", "/box//a", "/nowhere/x"];
const QUERIES: &[&str] = &[
    "",
    "",
    "restype=container",
    "comp=list",
    "restype=container&comp=list",
    "restype=container&comp=list&delimiter=/&include=metadata,tags,copy,uncommittedblobs",
    "restype=container&comp=list&maxresults=1&marker=1!b25l",
    "restype=container&comp=lease",
    "restype=container&comp=metadata",
    "restype=container&comp=acl",
    "restype=container&comp=batch",
    "restype=service&comp=properties",
    "restype=account&comp=properties",
    "comp=block&blockid=AAAA",
    "comp=block&blockid=BBBB",
    "comp=blocklist",
    "comp=blocklist&blocklisttype=all",
    "comp=metadata",
    "comp=properties",
    "comp=tags",
    "comp=tier",
    "comp=lease",
    "comp=batch",
    "comp=copy",
];
const HEADERS: &[(&str, &[&str])] = &[
    ("x-ms-blob-type", &["BlockBlob", "PageBlob", ""]),
    ("x-ms-meta-Key", &["value", "", "\u{fc}"]),
    (
        "x-ms-range",
        &["bytes=0-1", "bytes=1-", "bytes=9-3", "bytes=18446744073709551615-18446744073709551615", "bytes=-1"],
    ),
    ("Range", &["bytes=0-0", "bytes=5-"]),
    ("x-ms-range-get-content-md5", &["true"]),
    ("If-Match", &["*", "\"0x1\"", ""]),
    ("If-None-Match", &["*", "\"0x1\""]),
    ("If-Modified-Since", &["Fri, 20 Nov 2026 09:15:02 GMT", "Fri, 20 Nov 9999 09:15:02 GMT", "x"]),
    ("If-Unmodified-Since", &["Fri, 20 Nov 2026 09:15:02 GMT", "x"]),
    ("x-ms-lease-action", &["acquire", "renew", "change", "release", "break"]),
    ("x-ms-lease-duration", &["-1", "15", "60", "4294967296"]),
    ("x-ms-lease-break-period", &["0", "60", "-1"]),
    ("x-ms-lease-id", &["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", "x"]),
    ("x-ms-proposed-lease-id", &["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"]),
    (
        "x-ms-copy-source",
        &["http://127.0.0.1:10000/devstoreaccount1/box/one", "http://127.0.0.1:10000/devstoreaccount1/box", "x"],
    ),
    ("x-ms-source-range", &["bytes=0-0", "bytes=3-9"]),
    ("x-ms-tags", &["a=b", "a=b&a=c", "=", "%ff"]),
    ("x-ms-access-tier", &["Cool", "Archive", "x"]),
    ("Content-MD5", &["AAAAAAAAAAAAAAAAAAAAAA==", "x"]),
    ("x-ms-content-crc64", &["AAAAAAAAAAA=", "x"]),
    ("x-ms-blob-content-md5", &["AAAAAAAAAAAAAAAAAAAAAA=="]),
    ("Content-Type", &["text/plain", "multipart/mixed; boundary=b", "multipart/mixed"]),
    ("Expect", &["100-continue"]),
    ("Connection", &["close"]),
];
const BODIES: &[&str] = &[
    "",
    "hello",
    "<BlockList><Latest>AAAA</Latest></BlockList>",
    "<BlockList><Uncommitted>AAAA</Uncommitted><Committed>BBBB</Committed><Latest>AAAA</Latest></BlockList>",
    "<Tags><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tags>",
    "<SignedIdentifiers><SignedIdentifier><Id>p</Id><AccessPolicy><Permission>r</Permission></AccessPolicy></SignedIdentifier></SignedIdentifiers>",
    "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nDELETE /devstoreaccount1/box/one \
     HTTP/1.1\r\n\r\n\r\n--b--\r\n",
];

/// The script, read from the front; zeros when it has ended.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn bytes(&mut self) -> &'a [u8] {
        let length = match self.byte() {
            255 => usize::from(u16::from_be_bytes([self.byte(), self.byte()])),
            short => usize::from(short),
        };
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }
}

struct World {
    runtime: Runtime,
    store: Option<Store>,
    account: Account,
    sas: String,
}

const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 10_000);

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let account = Account::development();
        let expiry = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
        let terms = SasTerms { permissions: "racwdxlt".to_owned(), expiry };
        let url = account.endpoint(ADDRESS).container_sas_url(&container("box"), &terms);
        let sas = url.split_once('?').expect("a signature").1.to_owned();
        Self { runtime, store: None, account, sas }
    }

    fn run(&mut self, mut script: Script<'_>) {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::temporary().expect("a store"),
        };
        let clean = self.runtime.block_on(async {
            furnish(&store).await;
            let mut stream = Vec::new();
            for _ in 0..REQUESTS {
                if script.0.is_empty() {
                    break;
                }
                match script.byte() % 8 {
                    0 => stream.extend_from_slice(script.bytes()),
                    1 => {
                        converse(&store, &self.account, &stream).await;
                        stream.clear();
                    }
                    _ => stream.extend_from_slice(&request(&mut script, &self.account, &self.sas)),
                }
            }
            converse(&store, &self.account, &stream).await;
            tidy(&store).await
        });
        // What could not be tidied (a leased container) goes with its store.
        self.store = clean.then_some(store);
    }
}

fn container(name: &str) -> ContainerName {
    ContainerName::new(name).expect("a container's name")
}

async fn furnish(store: &Store) {
    let own = container("box");
    store.ensure_container(&own).await.expect("a container");
    for (name, content) in [("one", "0123456789"), ("dir/three", "x")] {
        let name = BlobName::new(name).expect("a blob's name");
        store.put(&own, &name, content, PutOptions::content_type("text/plain")).await.expect("a blob");
    }
}

async fn tidy(store: &Store) -> bool {
    let page = store.list_containers("", None, None).await.expect("a listing");
    for known in page.containers {
        if store.delete_container(&known.name, &Conditions::default()).await.is_err() {
            return false;
        }
    }
    page.next.is_none()
}

/// One request as bytes.
fn request(script: &mut Script<'_>, account: &Account, sas: &str) -> Vec<u8> {
    let (method, proof) = (script.pick(METHODS), script.byte() % 4);
    let path = match script.byte() {
        255 => text(script.bytes()),
        choice => PATHS[usize::from(choice) % PATHS.len()].to_owned(),
    };
    let query = match script.byte() {
        255 => text(script.bytes()),
        choice => QUERIES[usize::from(choice) % QUERIES.len()].to_owned(),
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    if script.byte() % 2 == 0 {
        headers.push(("x-ms-blob-type".to_owned(), "BlockBlob".to_owned()));
    }
    for _ in 0..script.byte() % 6 {
        let (name, values) = script.pick(HEADERS);
        let value = match script.byte() {
            255 => text(script.bytes()),
            choice => values[usize::from(choice) % values.len()].to_owned(),
        };
        if !headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            headers.push((name.to_owned(), value));
        }
    }
    let body = match script.byte() {
        255 => script.bytes().to_vec(),
        254 => vec![script.byte(); 70_000],
        choice => BODIES[usize::from(choice) % BODIES.len()].as_bytes().to_vec(),
    };
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    headers.push(("x-ms-date".to_owned(), date));
    headers.push(("x-ms-version".to_owned(), "2026-04-06".to_owned()));
    let query = match proof {
        0 => query,
        1 if query.is_empty() => sas.to_owned(),
        1 => format!("{query}&{sas}"),
        _ => {
            let signature = sign(account, method, &path, &query, &headers);
            headers.push(("Authorization".to_owned(), format!("SharedKeyLite {}:{signature}", account.name())));
            query
        }
    };
    let mark = if query.is_empty() { "" } else { "?" };
    let mut bytes = format!("{method} {ACCOUNT}{path}{mark}{query} HTTP/1.1\r\nHost: 127.0.0.1:10000\r\n").into_bytes();
    for (name, value) in &headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if method != "GET" && method != "HEAD" || !body.is_empty() {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

/// Bytes as they can stand in a line of a request's head.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(['\r', '\n'], "")
}

/// The signature of the `SharedKeyLite` scheme.
fn sign(account: &Account, method: &str, path: &str, query: &str, headers: &[(String, String)]) -> String {
    let own = |name: &str| {
        headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .unwrap_or_default()
    };
    let mut lines: Vec<String> = headers
        .iter()
        .filter(|(name, _)| name.starts_with("x-ms-"))
        .map(|(name, value)| format!("{}:{}\n", name.to_lowercase(), value.trim()))
        .collect();
    lines.sort();
    let comp = query.split('&').find_map(|pair| pair.strip_prefix("comp="));
    let comp = comp.map(|comp| format!("?comp={comp}")).unwrap_or_default();
    let text = format!(
        "{method}\n{}\n{}\n\n{}/{}{ACCOUNT}{path}{comp}",
        own("Content-MD5"),
        own("Content-Type"),
        lines.concat(),
        account.name()
    );
    account.keys()[0].sign(&text)
}

/// Says all of it on one connection and hears the answers out.
async fn converse(store: &Store, account: &Account, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let (client, server) = tokio::io::duplex(64 * 1024);
    let accounts = [(account.clone(), store.clone())];
    let serving = serve_stream(server, ADDRESS, accounts, Options::default());
    let talking = async {
        let (mut reader, mut writer) = tokio::io::split(client);
        let saying = async move {
            // The endpoint may hang up before all is said.
            let _ = writer.write_all(bytes).await;
            let _ = writer.shutdown().await;
        };
        let mut heard = Vec::new();
        let hearing = reader.read_to_end(&mut heard);
        let _ = tokio::join!(saying, hearing);
        heard
    };
    let ((), heard) = tokio::join!(serving, talking);
    assert!(heard.is_empty() || heard.starts_with(b"HTTP/1."), "an answer is HTTP");
    let failed = heard.starts_with(b"HTTP/1.1 500");
    assert!(!failed, "the endpoint failed: {}", String::from_utf8_lossy(&heard));
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

libfuzzer_sys::fuzz_target!(|script: &[u8]| WORLD.with_borrow_mut(|world| world.run(Script(script))));
