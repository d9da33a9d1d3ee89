//! The lines of the access log.
//!
//! A variable without a value is written as `-`. What clients send cannot forge lines: control
//! characters are written as `\\xHH`, and in JSON every value is a well-formed string.

use crate::conf::config::LogFormat;
use crate::conf::json;
use crate::conf::template::TemplateError;
use crate::router::request::Request;
use crate::router::template::{Part, parts};
use crate::router::variable::ResponseFacts;

/// A compiled format.
#[derive(Debug)]
pub(super) struct Format {
    parts: Vec<Part>,
    json: bool,
}

impl Format {
    pub(super) fn compile(source: &LogFormat) -> Result<Format, TemplateError> {
        let members = match source {
            LogFormat::Text(text) => {
                let parts = parts(text)?;
                return Ok(Format { parts, json: false });
            }
            LogFormat::Json(members) => members,
        };
        let mut compiled = Vec::new();
        let mut literal = b"{".to_vec();
        for (number, (name, template)) in members.iter().enumerate() {
            literal.extend_from_slice(if number == 0 { b"\"" } else { b"\",\"" });
            write_json(&mut literal, name.as_bytes());
            literal.extend_from_slice(b"\":\"");
            for part in parts(template)? {
                match part {
                    Part::Literal(text) => write_json(&mut literal, &text),
                    Part::Variable(_) => {
                        compiled.push(Part::Literal(std::mem::take(&mut literal).into()));
                        compiled.push(part);
                    }
                }
            }
        }
        literal.extend_from_slice(if members.is_empty() { b"}" } else { b"\"}" });
        compiled.push(Part::Literal(literal.into()));
        Ok(Format {
            parts: compiled,
            json: true,
        })
    }

    /// Appends the line of a request.
    pub(super) fn write(
        &self,
        request: &mut Request,
        response: &ResponseFacts<'_>,
        out: &mut Vec<u8>,
    ) {
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.extend_from_slice(text),
                Part::Variable(variable) => {
                    let start = out.len();
                    if !variable.write(request, response, out) {
                        out.push(b'-');
                    } else if self.json {
                        make_json(out, start);
                    } else {
                        make_visible(out, start);
                    }
                }
            }
        }
        out.push(b'\n');
    }
}

/// Escapes control characters from `start` on.
fn make_visible(out: &mut Vec<u8>, start: usize) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if !out[start..].iter().any(u8::is_ascii_control) {
        return;
    }
    for byte in out.split_off(start) {
        if byte.is_ascii_control() {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend_from_slice(&[b'\\', b'x', high, low]);
        } else {
            out.push(byte);
        }
    }
}

/// Makes what stands from `start` on the inside of a JSON string.
fn make_json(out: &mut Vec<u8>, start: usize) {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if !out[start..].iter().all(plain) {
        let text = out.split_off(start);
        write_json(out, &text);
    }
}

fn write_json(out: &mut Vec<u8>, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    json::escape(&text, |part| out.extend_from_slice(part.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Limits;
    use crate::router::request::Address;

    fn line(format: &LogFormat, head: &[u8]) -> String {
        let local = Address::Ip("127.0.0.1:80".parse().unwrap());
        let mut request = Request::new(Address::Unix(Vec::new()), local, false, 1);
        let _ = request.head.parse(head, &Limits::default());
        let facts = ResponseFacts {
            status: 200,
            body_bytes_sent: 12,
            ..ResponseFacts::default()
        };
        let mut out = Vec::new();
        let format = Format::compile(format).unwrap();
        format.write(&mut request, &facts, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn json(members: &[(&str, &str)]) -> LogFormat {
        let member = |&(name, text): &(&str, &str)| (name.to_owned(), text.to_owned());
        LogFormat::Json(members.iter().map(member).collect())
    }

    #[test]
    fn the_default_is_the_combined_format() {
        let text = line(
            &LogFormat::default(),
            b"GET /a?b HTTP/1.1\r\nReferer: r\r\nUser-Agent:\r\n\r\n",
        );
        let (before, after) = text.split_once('[').unwrap();
        assert_eq!(before, "unix: - - ");
        let (_, after) = after.split_once(']').unwrap();
        assert_eq!(after, " \"GET /a?b HTTP/1.1\" 200 12 \"r\" \"\"\n");
    }

    #[test]
    fn missing_values_are_hyphens() {
        let format = LogFormat::Text("$request_line|$arg_a|$arg_b|$cookie_c|x\ty".into());
        assert_eq!(
            line(&format, b"GET /?a HTTP/1.1\r\n\r\n"),
            "GET /?a HTTP/1.1||-|-|x\ty\n"
        );
        assert_eq!(line(&format, b"GE"), "-|-|-|-|x\ty\n");
    }

    #[test]
    fn no_line_can_be_forged() {
        let format = LogFormat::Text("$uri $header_x".into());
        assert_eq!(
            line(
                &format,
                b"GET /a%0a%7f%1b\xc3\xa9 HTTP/1.1\r\nX: \"a\tb\r\n\r\n"
            ),
            "/a\\x0A\\x7F\\x1B\u{e9} \"a\\x09b\n"
        );
    }

    #[test]
    fn json_values_are_strings() {
        let format = json(&[("a\"$", "<$uri>\"$status"), ("b", ""), ("c", "$arg_x")]);
        assert_eq!(
            line(&format, b"GET /\"%0a\\%ff HTTP/1.1\r\n\r\n"),
            "{\"a\\\"$\":\"</\\\"\\n\\\\\u{fffd}>\\\"200\",\"b\":\"\",\"c\":\"-\"}\n"
        );
        assert_eq!(line(&json(&[]), b""), "{}\n");
    }
}
