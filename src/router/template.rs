//! Evaluation of templates: text with variables in option values.

use std::borrow::Cow;

use crate::conf::template::{self as source, TemplateError};
use crate::router::request::Request;
use crate::router::variable::{Resolved, ResponseFacts, Variable, resolve};

/// A compiled template.
#[derive(Clone, Debug)]
pub struct Template(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Constant(Box<[u8]>),
    Parts(Box<[Part]>),
}

/// A part of a text with variables.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Literal(Box<[u8]>),
    Variable(Variable),
}

/// Takes a text apart. No two literals follow one another, and none is empty.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut literal = Vec::new();
    for part in source::parse(text)? {
        match part {
            source::Part::Literal(text) => literal.extend_from_slice(text.as_bytes()),
            source::Part::Variable(name) => match resolve(name) {
                Resolved::Constant(text) => literal.extend_from_slice(text.as_bytes()),
                Resolved::Variable(variable) => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal).into()));
                    }
                    parts.push(Part::Variable(variable));
                }
            },
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.into()));
    }
    Ok(parts)
}

impl Template {
    /// Compiles the text of an option.
    pub fn compile(text: &str) -> Result<Template, TemplateError> {
        let mut parts = parts(text)?;
        Ok(Template(match &mut parts[..] {
            [] => Kind::Constant(Box::default()),
            [Part::Literal(text)] => Kind::Constant(std::mem::take(text)),
            _ => Kind::Parts(parts.into()),
        }))
    }

    /// The value, if it is the same for every request.
    pub fn constant(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Constant(text) => Some(text),
            Kind::Parts(_) => None,
        }
    }

    /// The value for a request; a missing variable is empty.
    pub fn evaluate(&self, request: &mut Request, response: &ResponseFacts<'_>) -> Cow<'_, [u8]> {
        match &self.0 {
            Kind::Constant(text) => Cow::Borrowed(text),
            Kind::Parts(parts) => {
                let mut out = Vec::new();
                for part in parts {
                    match part {
                        Part::Literal(text) => out.extend_from_slice(text),
                        Part::Variable(variable) => {
                            variable.write(request, response, &mut out);
                        }
                    }
                }
                Cow::Owned(out)
            }
        }
    }
}

/// A template that says yes or no: empty, `0`, `false`, `null` and `undefined` are no, and a
/// leading `!` inverts.
#[derive(Clone, Debug)]
pub struct Condition {
    template: Template,
    negated: bool,
}

impl Condition {
    /// Compiles the text of an `if` option.
    pub fn compile(text: &str) -> Result<Condition, TemplateError> {
        let (negated, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        Ok(Condition {
            template: Template::compile(text)?,
            negated,
        })
    }

    /// Whether it holds.
    pub fn holds(&self, request: &mut Request, response: &ResponseFacts<'_>) -> bool {
        let value = self.template.evaluate(request, response);
        let no = matches!(&*value, b"" | b"0" | b"false" | b"null" | b"undefined");
        no == self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Limits;
    use crate::http::response::Fields;
    use crate::router::request::Address;

    fn request(text: &str) -> Request {
        let remote = Address::Ip("192.0.2.7:4000".parse().unwrap());
        let local = Address::Ip("127.0.0.1:80".parse().unwrap());
        let mut request = Request::new(remote, local, false, 1);
        request
            .head
            .parse(text.as_bytes(), &Limits::default())
            .unwrap();
        request
    }

    fn value(text: &str, request: &mut Request) -> String {
        value_with(text, request, &ResponseFacts::default())
    }

    fn value_with(text: &str, request: &mut Request, facts: &ResponseFacts<'_>) -> String {
        let template = Template::compile(text).unwrap();
        String::from_utf8_lossy(&template.evaluate(request, facts)).into_owned()
    }

    #[test]
    fn constants_are_known_at_once() {
        assert_eq!(
            Template::compile("a b").unwrap().constant(),
            Some(&b"a b"[..])
        );
        assert_eq!(
            Template::compile("a$dollar{dollar}").unwrap().constant(),
            Some(&b"a${dollar}"[..])
        );
        assert_eq!(Template::compile("").unwrap().constant(), Some(&b""[..]));
        assert!(Template::compile("$uri").unwrap().constant().is_none());
        assert!(Template::compile("$nope").is_err());
    }

    #[test]
    fn request_variables() {
        let mut request = request(
            "GET /a%20b?x=1&x=2%263&Y=+&e HTTP/1.1\r\nHost: EXAMPLE.com:8\r\nX-One: 1\r\nx-one: 2\r\n\
             Cookie: c=v ; d=1\r\nReferer: r1\r\nReferer: r2\r\nUser-Agent: ua\r\n\r\n",
        );
        for (text, expected) in [
            ("$method $host", "GET example.com"),
            ("$uri", "/a b"),
            ("$request_uri", "/a%20b?x=1&x=2%263&Y=+&e"),
            ("$request_line", "GET /a%20b?x=1&x=2%263&Y=+&e HTTP/1.1"),
            ("$remote_addr", "192.0.2.7"),
            ("[$arg_x][$arg_Y][$arg_y][$arg_e]", "[2&3][ ][][]"),
            ("[$header_x_one][$header_X_ONE][$header_nope]", "[1][1][]"),
            ("[$cookie_c][$cookie_d][$cookie_C]", "[v][1][]"),
            ("$header_referer $header_user_agent", "r2 ua"),
            ("${uri}x$dollar", "/a bx$"),
            ("$status", "000"),
            ("[$response_header_server]", "[]"),
        ] {
            assert_eq!(value(text, &mut request), expected, "{text}");
        }
        request.rewrite(b"/new".to_vec());
        assert_eq!(
            value("$uri $request_uri", &mut request),
            "/new /a%20b?x=1&x=2%263&Y=+&e"
        );
        assert_eq!(value("$request_id", &mut request).len(), 32);
        assert_eq!(
            value("$request_id", &mut request),
            value("$request_id", &mut request)
        );
    }

    #[test]
    fn response_variables_keep_their_first_value() {
        let mut request = request("GET / HTTP/1.1\r\n\r\n");
        let mut fields = Fields::new();
        fields.push(b"X-Powered-By", b"one");
        let facts = ResponseFacts {
            status: 200,
            body_bytes_sent: 7,
            fields: Some(&fields),
            connection: Some("close"),
            content_length: Some(7),
            chunked: true,
            added: None,
        };
        let text = "$status $body_bytes_sent $response_header_x_powered_by \
                    $response_header_connection $response_header_content_length \
                    $response_header_transfer_encoding";
        assert_eq!(
            value_with(text, &mut request, &facts),
            "200 7 one close 7 chunked"
        );
        let later = ResponseFacts {
            status: 404,
            ..facts
        };
        assert_eq!(value_with("$status", &mut request, &later), "200");
    }

    #[test]
    fn conditions() {
        let mut request = request("GET /?zero=0&no=false&yes=1&text=False HTTP/1.1\r\n\r\n");
        let facts = ResponseFacts::default();
        for (text, expected) in [
            ("", false),
            ("0", false),
            ("false", false),
            ("null", false),
            ("undefined", false),
            ("False", true),
            ("!", true),
            ("!1", false),
            ("$arg_zero", false),
            ("$arg_no", false),
            ("$arg_yes", true),
            ("$arg_text", true),
            ("!$arg_missing", true),
        ] {
            let holds = Condition::compile(text)
                .unwrap()
                .holds(&mut request, &facts);
            assert_eq!(holds, expected, "{text}");
        }
    }
}
