//! Timers.

use iris_local_functions_host::Level;
use serde_json::{Value, json};

use crate::harness::{Setup, setup};

fn timer(setup: Setup, name: &str, schedule: &str, more: &Value) -> Setup {
    let mut function =
        json!({ "bindings": [ { "type": "timerTrigger", "direction": "in", "name": "timer", "schedule": schedule } ] });
    let (binding, retry) = (more["binding"].as_object(), more["retry"].as_object());
    for (key, value) in binding.into_iter().flatten() {
        function["bindings"][0][key] = value.clone();
    }
    if let Some(retry) = retry {
        function["retry"] = json!(retry);
    }
    setup.function(name, function)
}

const YEARLY: &str = "0 0 0 1 1 *";

#[tokio::test]
async fn a_timer_runs_on_request_even_when_disabled() {
    for disabled in ["0", "1"] {
        let bench =
            timer(setup(), "sweep", YEARLY, &json!({})).setting("AzureWebJobs.sweep.Disabled", disabled).start().await;
        bench.host.run_now("sweep").await.unwrap();
        let requests = bench.requests_until("sweep", 1).await;
        let timer = &requests[0]["body"]["Data"]["timer"];
        assert_eq!(timer["IsPastDue"], false);
        assert!(timer["ScheduleStatus"]["Next"].as_str().is_some_and(|next| next.ends_with("-01-01T00:00:00+00:00")));
        assert!(bench.host.run_now("other").await.is_err());
        let figures = bench.finish().await;
        assert_eq!(figures.invocations, 1);
        assert!(bench.host.run_now("sweep").await.is_err());
    }
}

#[tokio::test]
async fn a_failed_run_on_request_is_reported() {
    let retry = json!({ "retry": { "strategy": "fixedDelay", "maxRetryCount": 1, "delayInterval": "00:00:10" } });
    let bench = timer(setup(), "fail", YEARLY, &retry).start().await;
    let error = bench.host.run_now("fail").await.unwrap_err().to_string();
    assert_eq!(error, "the handler answered 500");
    bench.host.stop().await;
}

#[tokio::test]
async fn schedules_fire() {
    let bench = timer(setup(), "sweep", "* * * * * *", &json!({})).start().await;
    let requests = bench.requests_until("sweep", 2).await;
    // Too frequent for a status.
    assert_eq!(requests[0]["body"]["Data"]["timer"]["ScheduleStatus"], Value::Null);
    bench.host.stop().await;
}

#[tokio::test]
async fn failed_runs_are_retried_as_the_policy_says() {
    let more = json!({
        "binding": { "runOnStartup": true },
        "retry": { "strategy": "exponentialBackoff", "maxRetryCount": 3, "minimumInterval": "00:00:00.01", "maximumInterval": "00:00:00.02" }
    });
    let bench = timer(setup(), "fail", YEARLY, &more).start().await;
    let requests = bench.requests_until("fail", 3).await;
    let contexts: Vec<&Value> = requests.iter().map(|request| &request["body"]["Metadata"]["RetryContext"]).collect();
    assert_eq!(
        contexts[0],
        &json!({ "RetryCount": 0, "MaxRetryCount": 3, "Exception": null, "Instance": null, "State": {} })
    );
    assert_eq!(
        (&contexts[2]["RetryCount"], &contexts[2]["Exception"]["Message"]),
        (&json!(2), &json!("the handler answered 500"))
    );
    let figures = bench.finish().await;
    assert_eq!((figures.invocations, figures.failures), (3, 2));
}

#[tokio::test]
async fn an_occurrence_missed_while_down_is_past_due() {
    let kept = tempfile::tempdir().unwrap();
    let status =
        json!({ "last": "2020-01-01T00:00:00Z", "next": "2021-01-01T00:00:00Z", "updated": "2020-01-01T00:00:00Z" });
    std::fs::write(kept.path().join("sweep.json"), status.to_string()).unwrap();
    let start = || {
        let folder = kept.path().to_owned();
        timer(setup(), "sweep", YEARLY, &json!({})).options(|options| options.timer_status = Some(folder)).start()
    };
    let bench = start().await;
    let requests = bench.requests_until("sweep", 1).await;
    let timer = &requests[0]["body"]["Data"]["timer"];
    assert_eq!(timer["IsPastDue"], true);
    assert_eq!(timer["ScheduleStatus"]["Last"], "2020-01-01T00:00:00+00:00");
    bench.finish().await;

    // The status was advanced, so the next start is not past due.
    let bench = start().await;
    bench.host.run_now("sweep").await.unwrap();
    let requests = bench.requests_until("sweep", 1).await;
    assert_eq!(requests[0]["body"]["Data"]["timer"]["IsPastDue"], false);
    bench.host.stop().await;
}

#[tokio::test]
async fn a_timer_without_storage_is_warned_of() {
    let bench =
        timer(setup(), "sweep", YEARLY, &json!({})).setting("AzureWebJobsStorage__accountName", "").start().await;
    bench.line(Level::Warning, "AzureWebJobsStorage").await;
    bench.host.stop().await;
}
