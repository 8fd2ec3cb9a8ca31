use super::*;

const NOW: i64 = 1_700_000_000_000;
const LATER: i64 = 1_700_000_600;

fn token(address: &str, expiry: i64, name: &str, key: &str) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let resource = encode(address);
    let signature = BASE64.encode(sign(key.as_bytes(), &[resource.as_bytes(), b"\n", expiry.to_string().as_bytes()]));
    format!("SharedAccessSignature sr={resource}&sig={}&se={expiry}&skn={}", encode(&signature), encode(name))
}

fn access() -> Access {
    Access::with_keys(vec![
        AccessKey {
            name: ROOT_KEY_NAME.into(),
            key: "root".into(),
            entity: None,
            right: Right::Manage,
            known_as: None,
        },
        AccessKey {
            name: "caller".into(),
            key: "secret".into(),
            entity: Some("Orders".into()),
            right: Right::Send,
            known_as: None,
        },
    ])
}

fn allowed(token: &str, entity: &str, right: Right) -> bool {
    access().check_token(token, NOW).is_ok_and(|grants| grants.iter().any(|grant| grant.allows(entity, right, NOW)))
}

#[test]
fn a_key_grants_its_right_at_its_entity() {
    let caller = token("sb://127.0.0.1:5672/orders", LATER, "caller", "secret");
    assert!(allowed(&caller, "orders", Right::Send));
    assert!(allowed(&caller, "orders/$management", Right::Send));
    assert!(!allowed(&caller, "orders", Right::Listen));
    assert!(allowed(
        &token("sb://127.0.0.1:5672/orders/$management", LATER, "caller", "secret"),
        "orders",
        Right::Send
    ));
    assert!(!allowed(&caller, "orders2", Right::Send));
    let root = token("sb://127.0.0.1:5672/orders", LATER, ROOT_KEY_NAME, "root");
    assert!(allowed(&root, "orders", Right::Listen));
    assert!(!allowed(&root, "events", Right::Listen), "a token is for the address it was signed for");
    assert!(allowed(&token("sb://127.0.0.1:5672/", LATER, ROOT_KEY_NAME, "root"), "events", Right::Listen));
}

#[test]
fn what_is_signed_here_is_taken_here() {
    let expiry = jiff::Timestamp::from_second(LATER).unwrap();
    let signed = shared_access_signature("http://127.0.0.1:5300/orders", "caller", "secret", expiry);
    assert!(signed.starts_with("SharedAccessSignature sr=http%3A%2F%2F127.0.0.1%3A5300%2Forders&sig="), "{signed}");
    assert!(allowed(&signed, "orders/messages", Right::Send));
    assert!(!allowed(&signed, "orders", Right::Listen));
}

#[test]
fn bad_tokens_are_refused_with_the_reason() {
    let refusal = |token: &str| access().check_token(token, NOW).unwrap_err();
    use crate::NotOffered;
    use sas::Refusal;
    assert_eq!(refusal("eyJ0eXAi.eyJh.x"), Refusal::NotOffered(NotOffered::EntraTokens));
    assert_eq!(refusal(&token("sb://h/orders", LATER, "caller", "wrong")), Refusal::Signature);
    assert_eq!(refusal(&token("sb://h/orders", 1_600_000_000, "caller", "secret")), Refusal::Expired);
    assert_eq!(refusal(&token("sb://h/events", LATER, "caller", "secret")), Refusal::UnknownKey);
    assert_eq!(refusal(&token("sb://h/", LATER, "caller", "secret")), Refusal::UnknownKey);
    for malformed in
        ["", "nonsense", "SharedAccessSignature sr=&sig=&se=&skn=", "SharedAccessSignature sr=%ff&sig=%%&se=1&skn=x"]
    {
        assert_eq!(refusal(malformed), Refusal::Malformed);
    }
}

#[test]
fn a_grant_ends() {
    let grants = access().check_token(&token("sb://h/orders", LATER, "caller", "secret"), NOW).unwrap();
    assert!(!grants.iter().any(|grant| grant.allows("orders", Right::Send, LATER * 1000)));
}

#[test]
fn plain_passwords_grant_what_the_key_is_for() {
    let grants = access().check_password("caller", "secret");
    assert!(grants.iter().any(|grant| grant.allows("orders", Right::Send, NOW)));
    assert!(!grants.iter().any(|grant| grant.allows("events", Right::Send, NOW)));
    assert!(access().check_password("caller", "root").is_empty());
}

#[test]
fn keys_are_stable_and_differ_by_entity() {
    assert_eq!(derive_key(b"seed", "Orders", "send"), derive_key(b"seed", "orders", "send"));
    assert_ne!(derive_key(b"seed", "orders", "send"), derive_key(b"seed", "events", "send"));
    assert_eq!(
        connection_string(([127, 0, 0, 1], 5673).into(), "n", "k=", Some("q")),
        "Endpoint=sb://127.0.0.1:5673;SharedAccessKeyName=n;SharedAccessKey=k=;UseDevelopmentEmulator=true;EntityPath=q"
    );
}

#[test]
fn a_key_with_a_second_name_for_its_entity_grants_by_either() {
    let key = |entity: &str, key: &str| AccessKey {
        name: "send".into(),
        key: key.into(),
        entity: Some(entity.into()),
        right: Right::Send,
        known_as: Some("orders".into()),
    };
    let access = Access::with_keys(vec![key("orders-harborview", "h"), key("orders-lakeside", "l")]);
    let grants = access.check_token(&token("sb://127.0.0.1/Orders", LATER, "send", "l"), NOW).unwrap();
    assert_eq!(grants[0].meant_by("orders").as_deref(), Some("orders-lakeside"));
    assert_eq!(grants[0].meant_by("orders/messages").as_deref(), Some("orders-lakeside/messages"));
    assert_eq!(grants[0].meant_by("orders-harborview"), None);
    assert!(grants[0].allows("orders-lakeside", Right::Send, NOW) && !grants[0].allows("orders", Right::Send, NOW));
    let own = access.check_token(&token("sb://127.0.0.1/orders-lakeside", LATER, "send", "l"), NOW).unwrap();
    assert!(own[0].allows("orders-lakeside", Right::Send, NOW));
    let plain = access.check_password("send", "h");
    assert_eq!(plain[0].meant_by("orders").as_deref(), Some("orders-harborview"));
}

#[test]
fn the_usual_port_is_left_out() {
    let string = |port| connection_string(([127, 0, 0, 1], port).into(), "send", "k", Some("orders"));
    assert!(string(5672).starts_with("Endpoint=sb://127.0.0.1;SharedAccessKeyName=send;"), "{}", string(5672));
    assert!(string(5673).starts_with("Endpoint=sb://127.0.0.1:5673;"));
}
