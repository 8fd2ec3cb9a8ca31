use super::*;
use http_body_util::BodyExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tower::ServiceExt;

const BODY: &str = include_str!("../../../tests/fixtures/service-bus-one-binary.json");

fn limits() -> HandlerSettings {
    HandlerSettings { concurrency: 2, max_body_bytes: 64 * 1024, time_limit: Duration::from_secs(60) }
}

async fn call(service: &axum::Router, method: &str, path: &str, body: &str) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("X-Azure-Functions-InvocationId", "5f0c2a52-8a0d-4d6f-9d8e-0d6f3c5a9b11")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let status = response.status();
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn an_invocation_reaches_its_function_with_id_and_trace() {
    let service = Router::new(limits())
        .function("submit_order", |invocation| async move {
            assert_eq!(invocation.id, "5f0c2a52-8a0d-4d6f-9d8e-0d6f3c5a9b11");
            assert_eq!(invocation.trace.unwrap().span_id(), 0xb7ad_6b71_6920_3331);
            let message = invocation.service_bus_message("msg").unwrap();
            if message.body == r#"{"a":1}"# { Outcome::Done } else { Outcome::Retry { code: "body" } }
        })
        .into_service();
    assert_eq!(call(&service, "POST", "/submit_order", BODY).await, (StatusCode::OK, "{}".into()));
    assert_eq!(call(&service, "GET", "/", "").await, (StatusCode::OK, "{}".into()));
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_failure_with_a_code() {
    let service = Router::new(limits())
        .function("retry", |_| async { Outcome::Retry { code: "database-unavailable" } })
        .function("panic", |_| async { panic!("Doe^Jane") })
        .into_service();
    let code = |code: &str| format!(r#"{{"code":"{code}"}}"#);
    for (method, path, body, status, expected) in [
        ("POST", "/retry", BODY, StatusCode::INTERNAL_SERVER_ERROR, code("database-unavailable")),
        ("POST", "/panic", BODY, StatusCode::INTERNAL_SERVER_ERROR, code("panic")),
        ("POST", "/retry", "Doe^Jane", StatusCode::BAD_REQUEST, code("envelope")),
        ("POST", "/retry", "", StatusCode::BAD_REQUEST, code("envelope")),
        ("POST", "/Retry", BODY, StatusCode::NOT_FOUND, code("unknown-function")),
        ("POST", "/api/retry", BODY, StatusCode::NOT_FOUND, code("unknown-function")),
        ("POST", "/retry", &" ".repeat(64 * 1024 + 1), StatusCode::PAYLOAD_TOO_LARGE, code("body")),
    ] {
        assert_eq!(call(&service, method, path, body).await, (status, expected), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_invocation_without_end_is_ended() {
    let service = Router::new(limits()).function("stuck", |_| std::future::pending()).into_service();
    let (status, body) = call(&service, "POST", "/stuck", BODY).await;
    assert_eq!((status, body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, r#"{"code":"time-limit"}"#));
}

#[tokio::test]
async fn no_more_than_the_limit_run_at_once() {
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (count, peak) = (Arc::clone(&running), Arc::clone(&most));
    let service = Router::new(limits())
        .function("count", move |_| {
            let (count, peak) = (Arc::clone(&count), Arc::clone(&peak));
            async move {
                peak.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                count.fetch_sub(1, Ordering::SeqCst);
                Outcome::Done
            }
        })
        .into_service();
    let calls = (0..10).map(|_| call(&service, "POST", "/count", BODY));
    assert!(futures::future::join_all(calls).await.iter().all(|(status, _)| *status == StatusCode::OK));
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_invocation_ends_properly_although_the_host_went_away() {
    let (started, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (start, end) = (Arc::clone(&started), Arc::clone(&ended));
    let service = Router::new(limits())
        .function("slow", move |_| {
            let (start, end) = (Arc::clone(&start), Arc::clone(&end));
            async move {
                start.notify_one();
                tokio::task::yield_now().await;
                end.notify_one();
                Outcome::Done
            }
        })
        .into_service();
    let mut gone = Box::pin(call(&service, "POST", "/slow", BODY));
    tokio::select! {
        biased;
        () = started.notified() => {}
        _ = &mut gone => panic!("answered before it was started"),
    }
    drop(gone);
    ended.notified().await;
}

#[tokio::test]
async fn serving_ends_when_told_to() {
    let listener = bind(0).await.unwrap();
    let stop = Arc::new(Notify::new());
    let told = Arc::clone(&stop);
    let server = tokio::spawn(serve(Router::new(limits()), listener, async move { told.notified().await }));
    stop.notify_one();
    server.await.unwrap().unwrap();
}

#[test]
fn the_port_comes_from_the_host() {
    assert_eq!(port(&|_| Some("7071".into())).unwrap(), 7071);
    for wrong in [None, Some(String::new()), Some("70710".to_owned()), Some("http".to_owned())] {
        assert!(matches!(port(&|_| wrong.clone()), Err(ServeError::NoPort)));
    }
}
