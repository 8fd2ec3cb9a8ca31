//! Keys and signatures over the protocol.

use azure_core::credentials::Secret;
use azure_core::hmac::hmac_sha256;
use iris_local_blob::auth::{Account, Key, SasTerms};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Response, Url};

use crate::harness::{CONTAINER, Endpoint, blob, container, failure, header};

fn later(hours: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(hours)
}

async fn put(endpoint: &Endpoint, url: &str) -> Response {
    endpoint.client.put(url).header("x-ms-blob-type", "BlockBlob").body("x").send().await.unwrap()
}

/// Signs an account SAS with the given parameters.
fn account_sas(endpoint: &Endpoint, sp: &str, ss: &str, srt: &str, se: &str, extra: (&str, &str)) -> String {
    let extra_of = |name: &str| if extra.0 == name { extra.1 } else { "" };
    let (name, sv) = (endpoint.account.name(), "2022-11-02");
    let text = format!("{name}\n{sp}\n{ss}\n{srt}\n\n{se}\n{}\n{}\n{sv}\n\n", extra_of("sip"), extra_of("spr"));
    let signature = hmac_sha256(&text, &Secret::new(endpoint.account.keys()[1].to_base64())).unwrap();
    let mut url: Url = "http://x".parse().unwrap();
    url.query_pairs_mut().extend_pairs([
        ("sv", sv),
        ("sp", sp),
        ("ss", ss),
        ("srt", srt),
        ("se", se),
        ("sig", signature.as_str()),
    ]);
    if !extra.0.is_empty() {
        url.query_pairs_mut().append_pair(extra.0, extra.1);
    }
    url.query().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_permits_what_it_says() {
    let endpoint = Endpoint::start().await;
    endpoint.put("x", "content").await;
    let own = endpoint.account.endpoint(endpoint.address);
    let sas = |permissions: &str, hours: i64| {
        own.container_sas_url(&container(), &SasTerms { permissions: permissions.to_owned(), expiry: later(hours) })
    };
    let at = |url: &str, name: &str| url.replace(&format!("{CONTAINER}?"), &format!("{CONTAINER}/{name}?"));
    assert_eq!(put(&endpoint, &at(&sas("cw", 1), "new")).await.status(), 201);
    assert_eq!(put(&endpoint, &at(&sas("c", 1), "newer")).await.status(), 201);
    assert_eq!(failure(&put(&endpoint, &at(&sas("c", 1), "x")).await), (403, "UnauthorizedBlobOverwrite"));
    assert_eq!(failure(&put(&endpoint, &at(&sas("rl", 1), "x")).await), (403, "AuthorizationPermissionMismatch"));
    assert_eq!(failure(&put(&endpoint, &at(&sas("cw", -1), "x")).await), (403, "AuthenticationFailed"));
    let forged = at(&sas("r", 1), "x").replace("sp=r", "sp=rw");
    assert_eq!(failure(&put(&endpoint, &forged).await), (403, "AuthenticationFailed"));
    let elsewhere = sas("cw", 1).replace(CONTAINER, "harborview-results");
    assert_eq!(
        failure(&put(&endpoint, &at(&elsewhere, "x").replace("results?", "results/x?")).await),
        (403, "AuthenticationFailed")
    );

    let get = async |url: String| endpoint.client.get(url).send().await.unwrap();
    let listing = format!("{}&restype=container&comp=list", sas("l", 1));
    assert_eq!(get(listing).await.status(), 200);
    let properties = format!("{}&restype=container", sas("racwdl", 1));
    assert_eq!(failure(&get(properties).await), (403, "AuthorizationPermissionMismatch"));

    let terms = SasTerms { permissions: "r".to_owned(), expiry: later(1) };
    let one = own.blob_sas_url(&container(), &blob("x"), &terms);
    assert_eq!(get(one.clone()).await.text().await.unwrap(), "content");
    assert_eq!(failure(&get(one.replace("/x?", "/y?")).await), (403, "AuthenticationFailed"));
    assert_eq!(failure(&get(own.blob_url(&container(), &blob("x"))).await), (401, "NoAuthenticationInformation"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_signature_is_for_kinds_of_resources() {
    let endpoint = Endpoint::start().await;
    endpoint.put("x", "content").await;
    let get = async |path: &str, sas: String| {
        let mut url = endpoint.url(path);
        let query = url.query().map(|query| format!("{query}&{sas}")).unwrap_or(sas);
        url.set_query(Some(&query));
        endpoint.client.get(url).send().await.unwrap()
    };
    let blob = format!("{CONTAINER}/x");
    let none = ("", "");
    let sas = |sp, ss, srt, extra| account_sas(&endpoint, sp, ss, srt, "2099-01-01", extra);
    assert_eq!(get(&blob, sas("r", "b", "o", none)).await.status(), 200);
    assert_eq!(get("?comp=list", sas("l", "bq", "s", none)).await.status(), 200);
    let listing = format!("{CONTAINER}?restype=container&comp=list");
    assert_eq!(get(&listing, sas("l", "b", "c", none)).await.status(), 200);
    assert_eq!(failure(&get(&blob, sas("r", "b", "sc", none)).await), (403, "AuthorizationResourceTypeMismatch"));
    assert_eq!(failure(&get(&blob, sas("r", "q", "o", none)).await), (403, "AuthorizationServiceMismatch"));
    assert_eq!(failure(&get(&blob, sas("w", "b", "o", none)).await), (403, "AuthorizationPermissionMismatch"));
    assert_eq!(
        failure(&get(&blob, sas("r", "b", "o", ("spr", "https"))).await),
        (403, "AuthorizationProtocolMismatch")
    );
    assert_eq!(get(&blob, sas("r", "b", "o", ("spr", "https,http"))).await.status(), 200);
    assert_eq!(
        failure(&get(&blob, sas("r", "b", "o", ("sip", "10.0.0.1"))).await),
        (403, "AuthorizationSourceIPMismatch")
    );
    assert_eq!(get(&blob, sas("r", "b", "o", ("sip", "127.0.0.0-127.0.0.9"))).await.status(), 200);
    let expired = account_sas(&endpoint, "r", "b", "o", "2020-01-01T00:00Z", none);
    assert_eq!(failure(&get(&blob, expired).await), (403, "AuthenticationFailed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_policy_gives_terms_and_takes_them_back() {
    let endpoint = Endpoint::start().await;
    endpoint.put("x", "content").await;
    let path = format!("{CONTAINER}?restype=container&comp=acl");
    let policies = "<SignedIdentifiers><SignedIdentifier><Id>readers</Id><AccessPolicy><Expiry>2099-01-01T00:00:00.0000000Z</Expiry>\
                    <Permission>r</Permission></AccessPolicy></SignedIdentifier></SignedIdentifiers>";
    assert_eq!(endpoint.send("PUT", &path, &[], policies).await.status(), 200);
    let text = format!("\n\n\n/blob/irislocal/{CONTAINER}\nreaders\n\n\n2022-11-02\nc\n\n\n\n\n\n\n");
    let signature = hmac_sha256(&text, &Secret::new(endpoint.account.keys()[0].to_base64())).unwrap();
    let mut url = endpoint.url(&format!("{CONTAINER}/x"));
    url.query_pairs_mut().extend_pairs([("sv", "2022-11-02"), ("sr", "c"), ("si", "readers"), ("sig", &signature)]);
    assert_eq!(endpoint.client.get(url.clone()).send().await.unwrap().status(), 200);
    assert_eq!(failure(&put(&endpoint, url.as_str()).await), (403, "AuthorizationPermissionMismatch"));
    assert!(endpoint.send("GET", &path, &[], "").await.text().await.unwrap().contains("<Id>readers</Id>"));
    endpoint.send("PUT", &path, &[], "").await;
    assert_eq!(failure(&endpoint.client.get(url).send().await.unwrap()), (403, "AuthenticationFailed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_may_set_response_headers() {
    let endpoint = Endpoint::start().await;
    endpoint.put("x", "content").await;
    let text = format!(
        "r\n\n2099-01-01\n/blob/irislocal/{CONTAINER}/x\n\n\n\n2022-11-02\nb\n\n\n\nattachment; \
         filename=a.csv\n\n\ntext/x"
    );
    let signature = hmac_sha256(&text, &Secret::new(endpoint.account.keys()[0].to_base64())).unwrap();
    let mut url = endpoint.url(&format!("{CONTAINER}/x"));
    let pairs =
        [("sv", "2022-11-02"), ("sr", "b"), ("sp", "r"), ("se", "2099-01-01"), ("rscd", "attachment; filename=a.csv")];
    url.query_pairs_mut().extend_pairs(pairs).extend_pairs([("rsct", "text/x"), ("sig", signature.as_str())]);
    let got = endpoint.client.get(url).send().await.unwrap();
    assert_eq!(header(&got, "content-disposition"), "attachment; filename=a.csv");
    assert_eq!(header(&got, "content-type"), "text/x");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_accounts_and_dates_are_refused() {
    let mut endpoint = Endpoint::start().await;
    assert_eq!(failure(&endpoint.get("x", &[]).await), (404, "BlobNotFound"));
    let right = endpoint.account.clone();
    endpoint.account = Account::new("irislocal", Key::random());
    assert_eq!(failure(&endpoint.get("x", &[]).await), (403, "AuthenticationFailed"));
    endpoint.account = Account::new("nobody", right.keys()[0].clone());
    assert_eq!(failure(&endpoint.get("x", &[]).await), (403, "AuthenticationFailed"));
    endpoint.account = Account::new("irislocal", right.keys()[1].clone());
    assert_eq!(failure(&endpoint.get("x", &[]).await), (404, "BlobNotFound"), "the second key is as good");
    let bearer = endpoint.client.get(endpoint.url(CONTAINER)).bearer_auth("token").send().await.unwrap();
    assert_eq!(bearer.status(), 400, "the resource is judged first");
    let bearer = endpoint.client.get(endpoint.url("abc/x")).bearer_auth("token").send().await.unwrap();
    assert_eq!(failure(&bearer), (403, "AuthenticationFailed"));
}
