//! Blob Batch.

use iris_local_blob::auth::SasTerms;

use crate::harness::{CONTAINER, Endpoint, container, failure, header};

#[tokio::test(flavor = "multi_thread")]
async fn deletes_many_and_answers_each() {
    let endpoint = Endpoint::start().await;
    for name in ["a", "b%20c"] {
        endpoint.put(name, "x").await;
    }
    let expiry = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let sas = |permissions: &str| {
        let terms = SasTerms { permissions: permissions.to_owned(), expiry };
        let url = endpoint.account.endpoint(endpoint.address).container_sas_url(&container(), &terms);
        url.split_once('?').unwrap().1.to_owned()
    };
    let part = |id: usize, name: &str, sas: &str| {
        format!(
            "--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: \
             {id}\r\n\r\nDELETE /irislocal/{CONTAINER}/{name}?{sas} HTTP/1.1\r\nx-ms-date: now\r\nContent-Length: \
             0\r\n\r\n"
        )
    };
    let body =
        [part(0, "a", &sas("d")), part(1, "gone", &sas("d")), part(2, "b%20c", &sas("r")), part(3, "b%20c", &sas("d"))];
    let body = format!("{}--batch_1--\r\n", body.concat());
    let kind = ("content-type", "multipart/mixed; boundary=batch_1");
    let answer = endpoint.send("POST", "?comp=batch", &[kind], body).await;
    assert_eq!(answer.status(), 202);
    let boundary = header(&answer, "content-type").split_once("boundary=").unwrap().1.to_owned();
    let text = answer.text().await.unwrap();
    let parts: Vec<_> = text.split(&format!("--{boundary}")).skip(1).collect();
    for (part, (id, status)) in parts.iter().zip([(0, "202"), (1, "404"), (2, "403"), (3, "202")]) {
        assert!(
            part.contains(&format!("Content-ID: {id}\r\n")) && part.contains(&format!("HTTP/1.1 {status} ")),
            "{part}"
        );
    }
    assert!(parts[1].contains("x-ms-error-code: BlobNotFound") && parts[4].starts_with("--"));
    assert_eq!(failure(&endpoint.get("a", &[]).await), (404, "BlobNotFound"));

    for bad in ["", "--batch_1--", "nonsense"] {
        assert_eq!(failure(&endpoint.send("POST", "?comp=batch", &[kind], bad).await), (400, "InvalidInput"), "{bad}");
    }
    let many = format!("{}--batch_1--\r\n", part(0, "a", &sas("d")).repeat(257));
    assert_eq!(
        failure(&endpoint.send("POST", "?comp=batch", &[kind], many).await),
        (400, "ExceedsMaxBatchRequestCount")
    );
}
