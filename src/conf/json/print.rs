//! Writing JSON: the pretty form that the control API answers with, and the compact form that is
//! stored and handed to application processes.
//!
//! Pretty: tabs, CRLF line ends, `"name": value`, empty containers inline, and a blank line before
//! an object member that follows a non-empty container. The final CRLF is the caller's.

use super::Value;

/// The compact text: no white space at all.
pub fn compact(value: &Value) -> String {
    let mut printer = Printer {
        out: String::new(),
        depth: None,
    };
    printer.value(value);
    printer.out
}

/// The indented text of control API answers, without its final line end.
pub fn pretty(value: &Value) -> String {
    pretty_at(value, 0)
}

/// As [`pretty`], for a value that stands so many levels deep.
pub fn pretty_at(value: &Value, depth: usize) -> String {
    let mut printer = Printer {
        out: String::new(),
        depth: Some(depth),
    };
    printer.value(value);
    printer.out
}

struct Printer {
    out: String,
    /// The current indentation; `None` when compact.
    depth: Option<usize>,
}

impl Printer {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Number(text) => self.out.push_str(text),
            Value::String(text) => self.string(text),
            Value::Array(elements) => {
                self.container('[', ']', elements, |printer, element, _| {
                    printer.value(element)
                });
            }
            Value::Object(members) => {
                self.container('{', '}', members, |printer, (name, value), previous| {
                    // The blank line has to come before the indentation that is already there.
                    if let (Some(depth), Some((_, before))) = (printer.depth, previous)
                        && !before.is_empty()
                    {
                        printer.out.truncate(printer.out.len() - depth);
                        printer.new_line();
                    }
                    printer.string(name);
                    printer.out.push(':');
                    if printer.depth.is_some() {
                        printer.out.push(' ');
                    }
                    printer.value(value);
                });
            }
        }
    }

    fn container<T>(
        &mut self,
        open: char,
        close: char,
        items: &[T],
        print: impl Fn(&mut Self, &T, Option<&T>),
    ) {
        self.out.push(open);
        if !items.is_empty() {
            self.indent(1);
            let mut previous = None;
            for item in items {
                if previous.is_some() {
                    self.out.push(',');
                }
                self.new_line();
                print(self, item, previous);
                previous = Some(item);
            }
            self.indent(-1);
            self.new_line();
        }
        self.out.push(close);
    }

    fn indent(&mut self, step: isize) {
        self.depth = self.depth.map(|depth| depth.saturating_add_signed(step));
    }

    fn new_line(&mut self) {
        if let Some(depth) = self.depth {
            self.out.push_str("\r\n");
            self.out.extend(std::iter::repeat_n('\t', depth));
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        escape(text, |part| self.out.push_str(part));
        self.out.push('"');
    }
}

/// Hands the text of a string value to `push`, in pieces, as it stands between its quotes.
pub fn escape(text: &str, mut push: impl FnMut(&str)) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0x00..=0x1f => "",
            _ => continue,
        };
        push(&text[plain..at]);
        plain = at + 1;
        if short.is_empty() {
            push(&format!("\\u{byte:04X}"));
        } else {
            push(short);
        }
    }
    push(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn tree(text: &str) -> Value {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn compact_has_no_white_space() {
        let text = r#"{"a":[1,{},[]],"b":{"c":null,"d":"x"},"e":-1.5e3}"#;
        assert_eq!(
            compact(&tree(&text.replace(',', " , ").replace(':', " : "))),
            text
        );
    }

    #[test]
    fn pretty_separates_members_after_containers() {
        let value = tree(r#"{"a":{},"b":[1,[2],3],"c":"x","d":{"e":{"f":[]}},"g":1}"#);
        let expected = [
            "{",
            "\t\"a\": {},",
            "\t\"b\": [",
            "\t\t1,",
            "\t\t[",
            "\t\t\t2",
            "\t\t],",
            "\t\t3",
            "\t],",
            "",
            "\t\"c\": \"x\",",
            "\t\"d\": {",
            "\t\t\"e\": {",
            "\t\t\t\"f\": []",
            "\t\t}",
            "\t},",
            "",
            "\t\"g\": 1",
            "}",
        ];
        assert_eq!(pretty(&value), expected.join("\r\n"));
    }

    #[test]
    fn control_characters_are_escaped_and_the_rest_is_raw() {
        let value = Value::string("\"\\/\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}é😀");
        assert_eq!(
            compact(&value),
            "\"\\\"\\\\/\\n\\r\\t\\b\\f\\u0000\\u001F\u{7f}é😀\""
        );
    }
}
