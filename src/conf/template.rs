//! Text with variables: `$name` and `${name}` inside option values.
//!
//! Here a template is only taken apart and its names are checked, so that a mistake shows when the
//! configuration is set; the router evaluates the parts. Names consist of letters and underscores
//! alone: `$arg_foo1` is `$arg_foo` followed by `1`.

/// One part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text used as it is.
    Literal(String),
    /// A variable.
    Variable(Variable),
}

/// A variable; the names are listed in [`BUILTINS`] and [`FAMILIES`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Variable {
    /// `$dollar`
    Dollar,
    /// `$host`
    Host,
    /// `$method`
    Method,
    /// `$uri`
    Uri,
    /// `$request_uri`
    RequestUri,
    /// `$request_line`
    RequestLine,
    /// `$remote_addr`
    RemoteAddr,
    /// `$time_local`
    TimeLocal,
    /// `$request_id`
    RequestId,
    /// `$request_time`
    RequestTime,
    /// `$status`
    Status,
    /// `$body_bytes_sent`
    BodyBytesSent,
    /// `$header_referer`
    HeaderReferer,
    /// `$header_user_agent`
    HeaderUserAgent,
    /// `$response_header_connection`
    ResponseHeaderConnection,
    /// `$response_header_content_length`
    ResponseHeaderContentLength,
    /// `$response_header_transfer_encoding`
    ResponseHeaderTransferEncoding,
    /// `$arg_NAME`: the name as written.
    Argument(String),
    /// `$header_NAME`: lower case, hyphens for underscores.
    Header(String),
    /// `$cookie_NAME`: the name as written.
    Cookie(String),
    /// `$response_header_NAME`: lower case, hyphens for underscores.
    ResponseHeader(String),
}

/// Variables with a fixed name.
pub const BUILTINS: [(&str, Variable); 17] = [
    ("dollar", Variable::Dollar),
    ("host", Variable::Host),
    ("method", Variable::Method),
    ("uri", Variable::Uri),
    ("request_uri", Variable::RequestUri),
    ("request_line", Variable::RequestLine),
    ("remote_addr", Variable::RemoteAddr),
    ("time_local", Variable::TimeLocal),
    ("request_id", Variable::RequestId),
    ("request_time", Variable::RequestTime),
    ("status", Variable::Status),
    ("body_bytes_sent", Variable::BodyBytesSent),
    ("header_referer", Variable::HeaderReferer),
    ("header_user_agent", Variable::HeaderUserAgent),
    (
        "response_header_connection",
        Variable::ResponseHeaderConnection,
    ),
    (
        "response_header_content_length",
        Variable::ResponseHeaderContentLength,
    ),
    (
        "response_header_transfer_encoding",
        Variable::ResponseHeaderTransferEncoding,
    ),
];

/// Makes the variable of a family from the name after the prefix.
pub type Family = fn(&str) -> Variable;

/// Prefixes of variables that carry a name of their own.
pub const FAMILIES: [(&str, Family); 4] = [
    ("arg_", |name| Variable::Argument(name.to_owned())),
    ("header_", |name| Variable::Header(field_name(name))),
    ("cookie_", |name| Variable::Cookie(name.to_owned())),
    ("response_header_", |name| {
        Variable::ResponseHeader(field_name(name))
    }),
];

/// Why a text is not a template. The texts continue with ` in the "OPTION" value.`
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There is no such variable.
    #[error("Unknown variable \"{0}\"")]
    Unknown(String),
    /// A dollar sign that starts no variable, at this byte offset.
    #[error("Invalid variable at position {0}")]
    Invalid(usize),
    /// A JavaScript template.
    #[error("Unit is built without support of njs: \"--njs\" ./configure option is missing.")]
    NoScript,
}

/// Whether a text has parts that are evaluated per request.
pub fn is_template(text: &str) -> bool {
    text.starts_with('`') || text.contains('$')
}

/// Takes a template apart. Literals are never empty, and no two follow one another.
pub fn parse(text: &str) -> Result<Vec<Part>, TemplateError> {
    if text.starts_with('`') {
        return Err(TemplateError::NoScript);
    }
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (literal, reference) = rest.split_at(at);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_owned()));
        }
        let (name, tail) =
            name(reference).ok_or(TemplateError::Invalid(text.len() - reference.len()))?;
        let variable = variable(name).ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
        parts.push(Part::Variable(variable));
        rest = tail;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    Ok(parts)
}

/// Splits `$name` or `${name}` from what follows it.
fn name(reference: &str) -> Option<(&str, &str)> {
    let bare = reference.strip_prefix('$')?;
    let braced = bare.strip_prefix('{');
    let start = braced.unwrap_or(bare);
    let length = start
        .bytes()
        .take_while(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        .count();
    let (name, mut tail) = start.split_at(length);
    if braced.is_some() {
        tail = tail.strip_prefix('}')?;
    }
    (!name.is_empty()).then_some((name, tail))
}

/// The variable of this name.
pub fn variable(name: &str) -> Option<Variable> {
    if let Some((_, variable)) = BUILTINS.iter().find(|(builtin, _)| *builtin == name) {
        return Some(variable.clone());
    }
    FAMILIES.iter().find_map(|(prefix, family)| {
        name.strip_prefix(prefix)
            .filter(|rest| !rest.is_empty())
            .map(family)
    })
}

fn field_name(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Part {
        Part::Literal(text.into())
    }

    #[test]
    fn names_end_at_the_first_other_character() {
        assert_eq!(parse("plain"), Ok(vec![literal("plain")]));
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(
            parse("/a$uri-${host}b$arg_x1"),
            Ok(vec![
                literal("/a"),
                Part::Variable(Variable::Uri),
                literal("-"),
                Part::Variable(Variable::Host),
                literal("b"),
                Part::Variable(Variable::Argument("x".into())),
                literal("1"),
            ])
        );
        assert_eq!(
            parse("$header_X_Foo"),
            Ok(vec![Part::Variable(Variable::Header("x-foo".into()))])
        );
        assert_eq!(
            parse("$cookie_A_b"),
            Ok(vec![Part::Variable(Variable::Cookie("A_b".into()))])
        );
        assert_eq!(
            parse("$header_referer"),
            Ok(vec![Part::Variable(Variable::HeaderReferer)])
        );
        assert_eq!(
            parse("$response_header_Set_Cookie"),
            Ok(vec![Part::Variable(Variable::ResponseHeader(
                "set-cookie".into()
            ))])
        );
    }

    #[test]
    fn mistakes_name_the_variable_or_the_place() {
        for (text, position) in [
            ("$", 0),
            ("a$", 1),
            ("$$", 0),
            ("$uri$1", 4),
            ("é${}", 2),
            ("${uri", 0),
            ("${ur i}", 0),
        ] {
            assert_eq!(parse(text), Err(TemplateError::Invalid(position)), "{text}");
        }
        for (text, name) in [
            ("$URI", "URI"),
            ("$arg_", "arg_"),
            ("${response_header_}", "response_header_"),
            ("$_", "_"),
        ] {
            assert_eq!(
                parse(text),
                Err(TemplateError::Unknown(name.into())),
                "{text}"
            );
        }
        assert_eq!(parse("`a`"), Err(TemplateError::NoScript));
        assert_eq!(parse("a`"), Ok(vec![literal("a`")]));
        assert_eq!(
            TemplateError::Unknown("x".into()).to_string(),
            "Unknown variable \"x\""
        );
    }
}
