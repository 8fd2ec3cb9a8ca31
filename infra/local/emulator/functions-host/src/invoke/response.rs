//! What an answer means: `{"Outputs":{…},"Logs":[…],"ReturnValue":…}` under a 2xx (functions-host-contract §2).
//!
//! Azure alters most outputs on their way to Service Bus: bare strings are base64-decoded or re-parsed, objects are
//! re-written indented, dates re-formatted. Only an array of strings arrives as it was written, so anything else is
//! refused here, and the error says what Azure would have made of it.

use serde_json::{Map, Value};

use super::Error;
use crate::config::ServiceBusOutput;

/// A successful answer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reply {
    /// Lines to log at Information level.
    pub(crate) logs: Vec<String>,
    /// The bodies to send, by index of the output binding.
    pub(crate) messages: Vec<(usize, Vec<String>)>,
    /// Outputs for bindings that do not exist, which Azure ignores.
    pub(crate) ignored: Vec<String>,
}

pub(crate) fn interpret(
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
    outputs: &[ServiceBusOutput],
) -> Result<Reply, Error> {
    match status {
        200..300 => {}
        300..400 => return Err(Error::Redirect(status)),
        _ => return Err(Error::Status(status)),
    }
    let text = body.trim_ascii();
    if text.is_empty() {
        return Err(Error::Empty);
    }
    if !content_type.is_some_and(is_json) {
        return Err(Error::ContentType);
    }
    match text {
        b"null" => return Err(Error::Empty),
        b"{}" => return Ok(Reply::default()),
        _ => {}
    }
    let parsed: Value = serde_json::from_slice(text).map_err(|error| Error::Json(position(&error)))?;
    let Value::Object(members) = parsed else {
        return Err(Error::Json("it must be an object".to_owned()));
    };
    read(members, outputs)
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    media_type.eq_ignore_ascii_case("application/json") || media_type.eq_ignore_ascii_case("text/json")
}

/// Where the parser stopped, without quoting the text.
fn position(error: &serde_json::Error) -> String {
    format!("not JSON at line {}, column {}", error.line(), error.column())
}

fn read(members: Map<String, Value>, outputs: &[ServiceBusOutput]) -> Result<Reply, Error> {
    let (mut outs, mut logs, mut return_value) = (Value::Null, Value::Null, Value::Null);
    for (key, value) in members {
        match key.to_ascii_lowercase().as_str() {
            "outputs" => outs = value,
            "logs" => logs = value,
            "returnvalue" => return_value = value,
            _ => {}
        }
    }
    let mut outs = match outs {
        Value::Object(outs) => outs,
        Value::Null => Map::new(),
        _ => return Err(Error::Json("Outputs must be an object".to_owned())),
    };
    spread_or_return(return_value, &mut outs, outputs)?;
    let mut reply = Reply { logs: read_logs(logs)?, ..Reply::default() };
    for (index, output) in outputs.iter().enumerate() {
        let bodies = bodies(outs.remove(&output.name).unwrap_or_default(), &output.name)?;
        if !bodies.is_empty() {
            reply.messages.push((index, bodies));
        }
    }
    reply.ignored = outs.into_iter().map(|(name, _)| name).collect();
    Ok(reply)
}

fn spread_or_return(value: Value, outs: &mut Map<String, Value>, outputs: &[ServiceBusOutput]) -> Result<(), Error> {
    if outputs.iter().any(|output| output.name == "$return") {
        outs.insert("$return".to_owned(), value);
    } else if let Value::Object(members) = value
        && let Some(output) = outputs.iter().find(|output| members.contains_key(&output.name))
    {
        return Err(Error::Output {
            binding: output.name.clone(),
            reason: "Azure spreads an object in ReturnValue over the outputs of its members' names; use Outputs"
                .to_owned(),
        });
    }
    Ok(())
}

fn read_logs(logs: Value) -> Result<Vec<String>, Error> {
    match logs {
        Value::Null => Ok(Vec::new()),
        logs => serde_json::from_value(logs).map_err(|_| Error::Json("Logs must be an array of strings".to_owned())),
    }
}

fn bodies(value: Value, binding: &str) -> Result<Vec<String>, Error> {
    const REMEDY: &str = "write an array of strings, one for each message";
    let refused = |what: &str| Error::Output { binding: binding.to_owned(), reason: format!("{what}; {REMEDY}") };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Value::String(text) => Ok(text),
                Value::Object(_) | Value::Array(_) => {
                    Err(refused("Azure sends an element that is an object or array as indented JSON"))
                }
                _ => Err(refused("an element is not a string")),
            })
            .collect(),
        Value::String(_) => Err(refused(
            "Azure decodes a bare string that is base64, splits one that is a JSON array and re-writes one that is \
             JSON",
        )),
        Value::Object(_) => Err(refused("Azure sends an object as indented JSON")),
        Value::Bool(_) | Value::Number(_) => Err(refused("a number or boolean is no message")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(name: &str) -> ServiceBusOutput {
        ServiceBusOutput { name: name.to_owned(), entity: "results".to_owned() }
    }

    fn json(body: &str) -> Result<Reply, Error> {
        interpret(200, Some("application/json; charset=utf-8"), body.as_bytes(), &[out("out")])
    }

    #[test]
    fn minimal_answers_succeed() {
        for body in
            ["{}", " {}\n", r#"{"outputs":null,"Logs":null,"ReturnValue":null,"More":1}"#, r#"{"Outputs":{"out":[]}}"#]
        {
            assert_eq!(json(body), Ok(Reply::default()), "{body}");
        }
        assert_eq!(interpret(202, Some("TEXT/JSON"), b"{}", &[]), Ok(Reply::default()));
    }

    #[test]
    fn outputs_and_logs_are_read_without_regard_to_case() {
        let reply = json(r#"{"OUTPUTS":{"out":["{\"a\":1}","b"],"Out":["x"]},"logs":["one"]}"#).unwrap();
        assert_eq!(reply.messages, [(0, vec!["{\"a\":1}".to_owned(), "b".to_owned()])]);
        assert_eq!((reply.logs, reply.ignored), (vec!["one".to_owned()], vec!["Out".to_owned()]));
        let returned =
            interpret(200, Some("application/json"), br#"{"ReturnValue":["r"]}"#, &[out("$return")]).unwrap();
        assert_eq!(returned.messages, [(0, vec!["r".to_owned()])]);
    }

    #[test]
    fn failures_are_told_apart() {
        assert_eq!(interpret(500, Some("application/json"), b"{}", &[]), Err(Error::Status(500)));
        assert_eq!(interpret(302, None, b"", &[]), Err(Error::Redirect(302)));
        assert_eq!(interpret(204, None, b"", &[]), Err(Error::Empty));
        assert_eq!(json("null"), Err(Error::Empty));
        assert_eq!(json("  "), Err(Error::Empty));
        assert_eq!(interpret(200, None, b"{}", &[]), Err(Error::ContentType));
        assert_eq!(interpret(200, Some("text/plain"), b"ok", &[]), Err(Error::ContentType));
        for body in ["[]", "{", "{\"Logs\":[1]}", "{\"Outputs\":[]}", "\u{feff}1"] {
            assert!(matches!(json(body), Err(Error::Json(_))), "{body}");
        }
        let deep = format!("{}{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
        assert!(matches!(json(&deep), Err(Error::Json(_))));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_judged(status in 100..600_u16, body in ".{0,60}|\\{\"Outputs\":\\{\"out\":.{0,20}\\}\\}") {
            let _ = interpret(status, Some("application/json"), body.as_bytes(), &[out("out")]);
        }
    }

    #[test]
    fn outputs_that_azure_would_bend_are_refused() {
        for (value, reason) in [
            ("\"abcd\"", "base64"),
            ("{\"a\":1}", "indented"),
            ("[{\"a\":1}]", "indented"),
            ("[1]", "not a string"),
            ("[null]", "not a string"),
            ("7", "no message"),
        ] {
            let error = json(&format!("{{\"Outputs\":{{\"out\":{value}}}}}")).unwrap_err().to_string();
            assert!(error.starts_with("output out: ") && error.contains(reason), "{value}: {error}");
        }
        assert!(json(r#"{"ReturnValue":{"out":["x"]}}"#).unwrap_err().to_string().contains("spreads"));
    }
}
