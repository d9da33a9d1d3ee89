//! Answers of the control API and their JSON shapes.

use crate::conf::json::{JsonError, Value, pretty};

/// An answer: a status and a JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Value,
}

impl Answer {
    /// 200 with this document.
    pub(super) fn value(body: Value) -> Answer {
        Answer { status: 200, body }
    }

    /// 200 with `{"success": TEXT}`.
    pub(super) fn success(text: &str) -> Answer {
        Answer::value(object([("success", Value::string(text))]))
    }

    /// An error without further detail.
    pub(super) fn error(status: u16, text: &str) -> Answer {
        Answer {
            status,
            body: object([("error", Value::string(text))]),
        }
    }

    /// 404 with the text for paths that lead nowhere.
    pub(super) fn not_found() -> Answer {
        Answer::error(404, "Value doesn't exist.")
    }

    /// 404 with the text for paths inside a status.
    pub(super) fn invalid_path() -> Answer {
        Answer::error(404, "Invalid path.")
    }

    /// 405 for documents that are only read.
    pub(super) fn invalid_method() -> Answer {
        Answer::error(405, "Invalid method.")
    }

    /// 405 for the configuration and the controls.
    pub(super) fn not_allowed() -> Answer {
        Answer::error(405, "Method isn't allowed.")
    }

    /// 400 for a document that fails validation.
    pub(super) fn invalid_configuration(detail: &str) -> Answer {
        Answer::error(400, "Invalid configuration.").with_detail(detail)
    }

    /// The same with the reason of the error.
    fn with_detail(mut self, detail: &str) -> Answer {
        self.body.set_member("detail", Value::string(detail));
        self
    }

    /// 500 for what was not done; `why` may be empty.
    pub(super) fn failure(text: &str, why: &str) -> Answer {
        match why {
            "" => Answer::error(500, text),
            why => Answer::error(500, text).with_detail(why),
        }
    }

    /// 400 for a body that is not JSON, with the place of the mistake in `text`.
    pub(super) fn invalid_json(error: &JsonError, text: &[u8]) -> Answer {
        let mut location = object([("offset", count(error.offset))]);
        if let Some(position) = error.position(text) {
            location.set_member("line", count(position.line));
            location.set_member("column", count(position.column));
        }
        let mut answer = Answer::error(400, "Invalid JSON.");
        answer
            .body
            .set_member("detail", Value::string(error.detail));
        answer.body.set_member("location", location);
        answer
    }

    /// The body's text, as it is sent.
    pub(super) fn text(&self) -> String {
        let mut text = pretty(&self.body);
        text.push_str("\r\n");
        text
    }
}

/// An object of these members.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(
        members
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect(),
    )
}

fn count(number: usize) -> Value {
    Value::integer(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::json::{compact, parse};

    #[test]
    fn json_errors_have_a_place() {
        let text = b"{\n  x";
        let answer = Answer::invalid_json(&parse(text).unwrap_err(), text);
        assert_eq!(answer.status, 400);
        let body = compact(&answer.body);
        assert!(
            body.starts_with(r#"{"error":"Invalid JSON.","detail":"A double quote"#),
            "{body}"
        );
        assert!(
            body.ends_with(r#""location":{"offset":4,"line":2,"column":3}}"#),
            "{body}"
        );

        let text = b"/*\xff*/ x";
        let answer = Answer::invalid_json(&parse(text).unwrap_err(), text);
        assert!(compact(&answer.body).ends_with(r#""location":{"offset":6}}"#));
    }

    #[test]
    fn bodies_are_pretty_and_end_with_a_line_end() {
        assert_eq!(
            Answer::success("Ok").text(),
            "{\r\n\t\"success\": \"Ok\"\r\n}\r\n"
        );
        assert_eq!(Answer::value(Value::integer(5)).text(), "5\r\n");
    }
}
