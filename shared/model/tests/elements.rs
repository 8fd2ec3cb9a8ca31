//! Files of many records, read one at a time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iris_model::json::{Element, Elements, Node, ReadError, SIZE_LIMIT};
use iris_model::{Issue, IssueCode};
use proptest::prelude::*;
use std::io::{self, Read};

/// Returns its content in pieces of a fixed size.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.size.min(buffer.len()).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(count);
        buffer[..count].copy_from_slice(piece);
        self.rest = rest;
        Ok(count)
    }
}

fn describe(element: &Element<'_>) -> String {
    let line = element.line.map(|line| format!(" line {line}")).unwrap_or_default();
    let what = match &element.node {
        Ok(Node::Object(entries)) => format!("object of {}", entries.len()),
        Ok(node) => node.kind().to_owned(),
        Err(issue) => format!("{}: {}", issue.code, issue.message),
    };
    format!("{}{line}: {what}", element.ordinal)
}

fn read_with<R: Read>(mut elements: Elements<R>) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match elements.next_element() {
            Ok(Some(element)) => seen.push(describe(&element)),
            Ok(None) => break,
            Err(ReadError::Document(issue)) => {
                seen.push(format!("{}: {}", issue.code, issue.message));
                break;
            }
            Err(ReadError::Io(error)) => {
                seen.push(format!("io: {error}"));
                break;
            }
        }
    }
    assert!(matches!(elements.next_element(), Ok(None)), "nothing comes after the end");
    seen
}

fn read(text: &str) -> Vec<String> {
    let whole = read_with(Elements::new(text.as_bytes()));
    for size in [1, 2, 7] {
        assert_eq!(read_with(Elements::new(Pieces { rest: text.as_bytes(), size })), whole, "in pieces of {size}");
    }
    whole
}

#[test]
fn the_three_layouts() {
    assert_eq!(read("[]"), [""; 0]);
    assert_eq!(read(" [ { \"a\" : 1 } , {\"b\":[1,{\"c\":\"]}\\\"\"}]} ]\n"), ["1: object of 1", "2: object of 1"]);
    assert_eq!(
        read("[1,\"x\",null,true,-2.5]"),
        ["1: a number", "2: text", "3: null", "4: true or false", "5: a number"]
    );
    assert_eq!(read("{\"a\":1}"), ["1 line 1: object of 1"]);
    assert_eq!(read("{\"a\":1}\r\n\r\n{\"a\":1,\"b\":2}\n"), ["1 line 1: object of 1", "2 line 3: object of 2"]);
    assert_eq!(read("{\n \"a\": 1\n}\n"), ["1: object of 1"]);
    assert_eq!(read("{\n\"a\":1}\n{\"a\":\n1,\"b\":2} {}"), ["1: object of 1", "2: object of 2", "3: object of 0"]);
    assert_eq!(read("\u{feff}[{}]"), ["1: object of 0"]);
    assert_eq!(read("\n\n{\"a\":1}\n{}"), ["1 line 3: object of 1", "2 line 4: object of 0"]);
}

#[test]
fn a_bad_line_does_not_stop_the_rest() {
    insta::assert_snapshot!(
        read("{\"a\":1}\n{\"a\":1,}\n{\"a\":\nnonsense\n{\"b\":2}}\n{\"ok\":true}").join("\n"),
        @r"
    1 line 1: object of 1
    2 line 2: bad-json: Not well-formed JSON at line 2, column 8: there is a comma before a closing bracket. Remove the comma.
    3 line 3: bad-json: Not well-formed JSON at line 3, column 5: the text ends too early. It was cut off, or a quotation mark or closing bracket is missing.
    4 line 4: bad-json: Not well-formed JSON at line 4, column 2: a word stands without quotation marks. Only true, false and null may, in lower case.
    5 line 5: bad-json: Not well-formed JSON at line 5, column 8: there is more text after the end of the value. Send one value; a file of several has one per line, or an array.
    6 line 6: object of 1
    "
    );
}

#[test]
fn a_broken_first_line_is_survived_when_lines_are_expected() {
    let lines = read_with(Elements::lines("{\"a\":\n{\"b\":2}\n".as_bytes()));
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("bad-json") && lines[1].ends_with("object of 1"));
    assert_eq!(read_with(Elements::lines("[\n{},\n{}]".as_bytes())), ["1: object of 0", "2: object of 0"]);
}

#[test]
fn a_syntax_error_in_an_array_ends_the_file_with_its_place() {
    let report = [
        "[\n  {\"a\": 1},\n  {\"a\": 1,},\n  {\"a\": 3}\n]",
        "[{},\n {},\n]",
        "[{}\n {}]",
        "[{},,{}]",
        "[,{}]",
        "[{}",
        "[{},",
        "[{\"a\":\"unfinished}, {}]",
        "[{}] x",
        "[}",
        "[{]}]",
        "{\n\"a\":1} x",
        "{\n\"a\":1\n\"b\":2}\n{}",
        "hello",
        "\"text\"",
    ]
    .map(|text| format!("{text:?}\n    {}", read(text).join("\n    ")));
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn empty_files_and_other_encodings() {
    for text in ["", " \r\n ", "\u{feff}"] {
        assert!(read(text)[0].starts_with("empty: "), "{text:?}");
    }
    assert!(read_with(Elements::new(&b"\xFF\xFE[\0]\0"[..]))[0].starts_with("bad-encoding: "));
    let latin = read_with(Elements::new(&b"{\"a\":\"ok\"}\n{\"a\":\"\xE9\"}\n{}"[..]));
    assert_eq!(latin.len(), 3);
    assert!(latin[1].contains("bad-encoding") && latin[1].contains("line 2"), "{}", latin[1]);
}

#[test]
fn an_element_over_the_limit_is_skipped() {
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(SIZE_LIMIT));
    let fitting = format!("\"{}\"", "x".repeat(SIZE_LIMIT - 2));
    for file in [format!("[{{}},{large},{fitting},{{\"b\":1}}]"), format!("{{}}\n{large}\n{fitting}\n{{\"b\":1}}\n")] {
        let seen = read_with(Elements::new(file.as_bytes()));
        assert_eq!(seen.len(), 4);
        assert!(seen[1].contains("too-large"), "{}", seen[1]);
        assert!(seen[2].ends_with(": text") && seen[3].ends_with("object of 1"));
    }
    let deep = format!("[{}{},{{}}]", "[".repeat(100), "]".repeat(100));
    assert_eq!(read(&deep).len(), 2, "too deep is the element's trouble alone");
}

#[test]
fn a_failing_reader_is_not_a_broken_file() {
    struct Failing(bool);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("gone"));
            }
            buffer[..4].copy_from_slice(b"[{},");
            Ok(4)
        }
    }
    assert_eq!(read_with(Elements::new(Failing(false))), ["1: object of 0", "io: gone"]);
}

/// Memory stays small however long the file is.
#[test]
fn a_file_of_any_length() {
    struct Endless {
        left: usize,
        pending: Vec<u8>,
    }
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.pending.is_empty() && self.left > 0 {
                self.left -= 1;
                self.pending = if self.left == 0 { b"{}]".to_vec() } else { br#"{"LocalId":"x"},"#.to_vec() };
            }
            let count = self.pending.len().min(buffer.len());
            buffer[..count].copy_from_slice(&self.pending[..count]);
            self.pending.drain(..count);
            Ok(count)
        }
    }
    let mut elements = Elements::new(Endless { left: 50_000, pending: b"[".to_vec() });
    let mut last = 0;
    while let Some(element) = elements.next_element().unwrap() {
        last = element.ordinal;
    }
    assert_eq!(last, 50_000);
}

proptest! {
    #[test]
    fn no_bytes_panic_or_hang(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1usize..9) {
        let _ = read_with(Elements::new(Pieces { rest: &bytes, size }));
        let _ = read_with(Elements::lines(Pieces { rest: &bytes, size }));
    }

    #[test]
    fn no_brackets_panic_or_hang(text in "[\\[\\]{}\",:\\\\ \n1a]{0,80}", size in 1usize..9) {
        let _ = read_with(Elements::new(Pieces { rest: text.as_bytes(), size }));
    }

    #[test]
    fn pieces_and_layouts_do_not_matter(
        texts in proptest::collection::vec("[^\u{0}-\u{1f}]{0,20}", 1..20),
        size in 1usize..40,
        gap in "[ \n\t\r]{0,3}",
    ) {
        let records: Vec<String> = texts.iter().map(|text| serde_json::json!({ "a": text, "b": [1, {"c": text}] }).to_string()).collect();
        let array = format!("{gap}[{gap}{}{gap}]{gap}", records.join(&format!("{gap},{gap}")));
        let lines = records.join(&format!("{gap}\n"));
        for file in [array, lines] {
            let mut elements = Elements::new(Pieces { rest: file.as_bytes(), size });
            for text in &texts {
                let element = elements.next_element().unwrap().unwrap();
                let node = element.node.unwrap();
                let cell = node.get("A").and_then(Node::cell);
                prop_assert_eq!(cell.as_deref(), Some(text.as_str()));
            }
            prop_assert!(elements.next_element().unwrap().is_none());
        }
    }
}

#[test]
fn issues_name_codes() {
    let mut elements = Elements::new("[{},]".as_bytes());
    elements.next_element().unwrap();
    let Err(ReadError::Document(Issue { code, .. })) = elements.next_element() else { panic!("a trailing comma") };
    assert_eq!(code, IssueCode::BadJson);
}
