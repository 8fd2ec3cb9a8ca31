use super::*;
use proptest::prelude::*;

fn written(fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    fill(&mut Writer::new(&mut out));
    out
}

#[test]
fn a_composite_reads_back_field_by_field() {
    let bytes = written(|w| {
        w.composite(0x10, |list| {
            list.string("name");
            list.null();
            list.uint(70_000);
            list.bool(true);
            list.binary(&[7; 300]);
            list.map(|map| {
                map.symbol("key");
                map.int(-5);
            });
            list.longs(&[1, -2]);
        });
    });
    let (descriptor, value) = Reader::new(&bytes).described().unwrap();
    assert_eq!(descriptor, Some(0x10));
    let Value::List(fields) = value else { panic!("a list") };
    let fields: Vec<_> = fields.iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(fields[0], Value::String("name"));
    assert_eq!(fields[1], Value::Null);
    assert_eq!(fields[2].uint(), Some(70_000));
    assert_eq!(fields[3].bool(), Some(true));
    assert_eq!(fields[4], Value::Binary(&[7; 300]));
    assert_eq!(fields[5].map().unwrap().get("key"), Some(Value::Int(-5)));
    let longs: Vec<_> = fields[6].sequence().unwrap().iter().map(|n| n.unwrap().integer().unwrap()).collect();
    assert_eq!(longs, [1, -2]);
}

#[test]
fn lengths_beyond_the_bytes_are_refused() {
    for bytes in
        [&[code::BINARY_8, 5, 1][..], &[code::LIST_32, 0, 0, 0, 9, 0], &[code::STRING_32, 0xff, 0xff, 0xff, 0xff], &[]]
    {
        assert_eq!(Reader::new(bytes).value(), Err(Error::Truncated), "{bytes:02x?}");
    }
    let many_nulls = [code::ARRAY_32, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, code::NULL];
    assert_eq!(Reader::new(&many_nulls).value(), Err(Error::Invalid("more elements than bytes")));
}

#[test]
fn a_thousand_nested_descriptors_cost_no_stack() {
    let mut bytes = [code::DESCRIBED, code::SMALL_ULONG, 1].repeat(100_000);
    bytes.push(code::NULL);
    assert_eq!(Reader::new(&bytes).skip(), Ok(()));
}

fn walk(mut reader: Reader<'_>, fuel: &mut u32) {
    while !reader.is_empty() && *fuel > 0 {
        *fuel -= 1;
        let Ok(value) = reader.value() else { return };
        match value {
            Value::List(elements) | Value::Map(elements) | Value::Array(elements) => {
                let _ = elements.get("key");
                for _ in elements.iter().take(1000) {}
                walk(elements.reader(), fuel);
            }
            Value::Described(_, inner) => walk(Reader::new(inner), fuel),
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        walk(Reader::new(&bytes), &mut 10_000);
    }

    #[test]
    fn a_raw_value_is_exactly_what_was_written(texts in proptest::collection::vec(".{0,300}", 0..6), tail in any::<u64>()) {
        let first = written(|w| w.list(|list| texts.iter().for_each(|text| list.string(text))));
        let mut bytes = first.clone();
        Writer::new(&mut bytes).ulong(tail);
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(reader.raw().unwrap(), &first[..]);
        prop_assert_eq!(reader.value().unwrap(), Value::Ulong(tail));
        prop_assert!(reader.is_empty());
    }
}
