//! Functions and operators, as far as our files use them. An unknown one is a problem, so that nothing is skipped
//! silently.

use super::Value;
use anyhow::{Result, bail};
use std::collections::BTreeMap;

/// Calls a function; `apply` calls a lambda.
pub(super) fn call(
    name: &str,
    arguments: &[Value],
    apply: &dyn Fn(&Value, Vec<Value>) -> Result<Value>,
) -> Result<Value> {
    let texts = || arguments.iter().map(Value::to_text).collect::<Vec<_>>();
    Ok(match (name, arguments) {
        ("empty", [value]) => Value::Boolean(match value {
            Value::Text(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(properties) => properties.is_empty(),
            Value::Null => true,
            _ => false,
        }),
        ("string", [value]) => Value::Text(value.to_text()),
        ("take", [Value::Text(text), Value::Number(count)]) => {
            Value::Text(text.chars().take(usize::try_from(*count)?).collect())
        }
        ("replace", [Value::Text(text), Value::Text(from), Value::Text(to)]) => Value::Text(text.replace(from, to)),
        ("split", [Value::Text(text), Value::Text(by)]) => {
            Value::Array(text.split(by.as_str()).map(|part| Value::Text(part.to_owned())).collect())
        }
        ("min", [Value::Number(one), Value::Number(two)]) => Value::Number(*one.min(two)),
        ("max", [Value::Number(one), Value::Number(two)]) => Value::Number(*one.max(two)),
        ("concat", lists) => Value::Array(lists.iter().flat_map(|list| list.items().iter().cloned()).collect()),
        ("union", [Value::Array(one), Value::Array(two)]) => {
            let mut all: Vec<Value> = Vec::new();
            for value in one.iter().chain(two) {
                if !all.contains(value) {
                    all.push(value.clone());
                }
            }
            Value::Array(all)
        }
        ("union", [Value::Object(one), Value::Object(two)]) => {
            let mut all = one.clone();
            all.extend(two.clone());
            Value::Object(all)
        }
        ("items", [Value::Object(properties)]) => Value::Array(properties.iter().map(entry).collect()),
        ("map", [Value::Array(items), function]) => {
            Value::Array(items.iter().map(|item| apply(function, vec![item.clone()])).collect::<Result<_>>()?)
        }
        ("toObject", [Value::Array(items), key, value]) => {
            let mut object = BTreeMap::new();
            for item in items {
                object.insert(apply(key, vec![item.clone()])?.to_text(), apply(value, vec![item.clone()])?);
            }
            Value::Object(object)
        }
        ("uniqueString", [_, ..]) => Value::Text("u1n2i3q4u5e6x".to_owned()),
        ("readEnvironmentVariable", [_, default]) => default.clone(),
        ("readEnvironmentVariable", [Value::Text(variable)]) => Value::Text(format!("‹${variable}›")),
        ("guid" | "resourceId" | "subscriptionResourceId", [_, ..]) => {
            Value::Text(format!("‹{name} {}›", texts().join(" ")))
        }
        ("subscription" | "resourceGroup" | "tenant" | "deployment" | "environment", []) => {
            Value::Text(format!("‹{name}›"))
        }
        _ => bail!("the checker does not know the function {name} with these arguments"),
    })
}

fn entry((key, value): (&String, &Value)) -> Value {
    Value::Object(BTreeMap::from([("key".to_owned(), Value::Text(key.clone())), ("value".to_owned(), value.clone())]))
}

/// Evaluates `left operator right`.
pub(super) fn binary(operator: &str, left: Value, right: Value) -> Result<Value> {
    Ok(match (operator, left, right) {
        ("==", left, right) => Value::Boolean(left == right),
        ("!=", left, right) => Value::Boolean(left != right),
        ("&&" | "||", _, right @ Value::Boolean(_)) => right,
        ("??", Value::Null, right) => right,
        ("??", left, _) => left,
        (_, Value::Number(left), Value::Number(right)) => match operator {
            "+" => Value::Number(left + right),
            "-" => Value::Number(left - right),
            "*" => Value::Number(left * right),
            "/" if right != 0 => Value::Number(left / right),
            "%" if right != 0 => Value::Number(left % right),
            "<" => Value::Boolean(left < right),
            "<=" => Value::Boolean(left <= right),
            ">" => Value::Boolean(left > right),
            ">=" => Value::Boolean(left >= right),
            _ => bail!("the checker cannot evaluate {operator}"),
        },
        _ => bail!("the checker cannot evaluate {operator} of these values"),
    })
}

/// Evaluates `operator value`.
pub(super) fn unary(operator: &str, value: &Value) -> Result<Value> {
    match (operator, value) {
        ("!", Value::Boolean(flag)) => Ok(Value::Boolean(!flag)),
        ("-", Value::Number(number)) => Ok(Value::Number(-number)),
        _ => bail!("the checker cannot evaluate {operator} of this value"),
    }
}
