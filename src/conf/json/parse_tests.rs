//! Tests of the JSON reader.

use super::Value;
use super::compact;
use super::parse::*;
use proptest::prelude::*;

fn error(text: &str) -> (usize, &'static str) {
    let error = parse(text.as_bytes()).unwrap_err();
    (error.offset, error.detail)
}

fn round(text: &str) -> String {
    compact(&parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}")))
}

#[test]
fn comments_and_one_trailing_comma_are_allowed() {
    assert_eq!(
        round("// head\n{ /* a * b **/ \"a\" /**/ : // x\r\n [1, 2, ] , }\n// end\n"),
        r#"{"a":[1,2]}"#
    );
    assert_eq!(error("[1,,]"), (3, VALUE_EXPECTED));
    assert_eq!(error("1 // no line end"), (2, TRAILING));
    assert_eq!(error("[1 /* open"), (3, BRACKET_EXPECTED));
    assert_eq!(error("/x"), (0, VALUE_EXPECTED));
}

#[test]
fn a_lone_comma_closes_nothing() {
    assert_eq!(error("{,}"), (1, QUOTE_EXPECTED));
    assert_eq!(error("[,]"), (1, VALUE_EXPECTED));
}

#[test]
fn structure_errors_name_their_place() {
    for (text, offset, detail) in [
        ("", 0, EMPTY),
        (" \n ", 0, EMPTY),
        ("truth", 0, VALUE_EXPECTED),
        ("  nul", 2, VALUE_EXPECTED),
        ("1 2", 2, TRAILING),
        ("{}x", 2, TRAILING),
        ("{", 1, OPEN_OBJECT),
        ("{ \"a\": 1 ", 9, OPEN_OBJECT),
        ("{\"a\"", 4, NO_MEMBER_VALUE),
        ("{\"a\":", 5, NO_MEMBER_VALUE),
        ("{\"a\" 1}", 5, COLON_EXPECTED),
        ("{a: 1}", 1, QUOTE_EXPECTED),
        ("{\"a\": 1 \"b\": 2}", 8, BRACE_EXPECTED),
        ("{\"a\": 1, \"a\": 2}", 9, DUPLICATE),
        ("[1", 2, OPEN_ARRAY),
        ("[1,", 3, OPEN_ARRAY),
        ("[1 2]", 3, BRACKET_EXPECTED),
    ] {
        assert_eq!(error(text), (offset, detail), "{text:?}");
    }
}

#[test]
fn a_duplicate_is_found_in_a_large_object() {
    let members: Vec<String> = (0..1000).map(|n| format!("\"n{n}\":{n}")).collect();
    let text = format!("{{{}}}", members.join(","));
    assert_eq!(round(&text), text);
    let twice = format!("{},\"n999\":1}}", text.strip_suffix('}').unwrap());
    assert_eq!(error(&twice), (text.len(), DUPLICATE));
}

#[test]
fn strings() {
    assert_eq!(
        parse(br#""\"\\\/\n\r\t\b\f\u0041\u00e9\uD83D\uDE00z""#)
            .unwrap()
            .as_str(),
        Some("\"\\/\n\r\t\u{8}\u{c}Aé😀z")
    );
    for (text, offset, detail) in [
        ("\"abc", 4, OPEN_STRING),
        ("\"abc\\", 5, OPEN_STRING),
        ("\"\\u12", 5, OPEN_STRING),
        ("\"a\tb\"", 2, CONTROL_CHARACTER),
        ("\"a\\qb\"", 2, BACKSLASH),
        ("\"\\u12x4\"", 5, ESCAPE),
        ("\"a\\uDC00\"", 2, LONE_SURROGATE),
        ("\"a\\uD800b\"", 2, LONE_SURROGATE),
        ("\"a\\uD800\"", 2, LONE_SURROGATE),
        ("\"a\\uD800\\u0041\"", 2, BAD_PAIR),
        ("\"a\\uD800\\uD800\"", 2, BAD_PAIR),
    ] {
        assert_eq!(error(text), (offset, detail), "{text:?}");
    }
}

#[test]
fn strings_are_utf8_but_syntax_errors_come_first() {
    let error = |text: &[u8]| {
        let error = parse(text).unwrap_err();
        (error.offset, error.detail, error.position(text).is_some())
    };
    assert_eq!(error(b"[\"ab\xff\", \"\xfe\"]"), (4, NOT_UTF8, true));
    assert_eq!(error(b"[\"ab\xff\""), (6, OPEN_ARRAY, false));
    assert_eq!(error(b"{\"\xff\":\n 1 x}"), (9, BRACE_EXPECTED, true));
}

#[test]
fn numbers_keep_their_text_within_limits() {
    for text in [
        "0",
        "-0",
        "10",
        "1.50",
        "1e3",
        "1E+3",
        "-1.2e-3",
        "0.0e0",
        "-01",
        "99999999999999",
        "9e18",
    ] {
        assert_eq!(round(text), text);
    }
    for (text, offset, detail) in [
        ("01", 0, LEADING_ZERO),
        ("-", 0, VALUE_EXPECTED),
        ("-a", 0, VALUE_EXPECTED),
        ("-1.", 1, FRACTION),
        ("1.e5", 0, FRACTION),
        (" 1e", 1, EXPONENT),
        ("1e+", 0, EXPONENT),
        ("123456789012345", 0, LONG_NUMBER),
        ("1e19", 0, NUMBER_RANGE),
        ("1e999", 0, NUMBER_RANGE),
        ("1e-999", 0, NUMBER_RANGE),
        ("1x", 0, VALUE_EXPECTED),
        ("1.2.3", 0, VALUE_EXPECTED),
        (".5", 0, VALUE_EXPECTED),
    ] {
        assert_eq!(error(text), (offset, detail), "{text:?}");
    }
    assert_eq!(error("[1\"a\"]"), (2, BRACKET_EXPECTED));
}

#[test]
fn positions_count_lines_and_characters() {
    let at = |text: &[u8]| parse(text).unwrap_err().position(text);
    assert_eq!(
        at("{\r\n  \"é\": x\n}".as_bytes()),
        Some(Position { line: 2, column: 8 })
    );
    assert_eq!(at(b""), Some(Position { line: 1, column: 1 }));
    assert_eq!(at(b"/* \xff */ x"), None);
}

#[test]
fn nesting_is_bounded() {
    let nest = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nest(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(error(&nest(MAX_DEPTH + 1)), (MAX_DEPTH, TOO_DEEP));
    assert_eq!(error(&"{\"a\":".repeat(100_000)).1, TOO_DEEP);
}

#[test]
fn a_byte_order_mark_is_skipped_once() {
    assert_eq!(skip_bom(b"\xef\xbb\xbf1"), b"1");
    assert_eq!(skip_bom(b"1"), b"1");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::integer),
        any::<String>().prop_map(Value::string),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..8).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name.into_boxed_str(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_printed_parses_to_the_same(value in any_value()) {
        prop_assert_eq!(&parse(compact(&value).as_bytes()).unwrap(), &value);
        prop_assert_eq!(&parse(super::pretty(&value).as_bytes()).unwrap(), &value);
    }

    #[test]
    fn no_input_panics(text in prop::collection::vec(
        prop::sample::select(b"{}[]\":,\\u0123D8cef-+.eE/* \n\ttrunl\xc3\xa9".to_vec()), 0..64)) {
        match parse(&text) {
            Ok(value) => prop_assert_eq!(parse(compact(&value).as_bytes()).unwrap(), value),
            Err(error) => {
                prop_assert!(error.offset <= text.len());
                error.position(&text);
            }
        }
    }

    #[test]
    fn no_bytes_panic(text in any::<Vec<u8>>()) {
        let _ = parse(&text);
    }
}
