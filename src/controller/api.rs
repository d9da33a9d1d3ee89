//! The control API without its transport: what a request asks for, and what becomes of it given
//! the current document.

use crate::conf::json::{self, Edit, EditError, Value};
use crate::conf::percent;
use crate::conf::validate::{Module, validate};

use super::answer::{Answer, object};

/// A request. Its path is decoded and normalised, except for `%2F` and `%25`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The method, as sent.
    pub(super) method: Vec<u8>,
    /// The path; bytes that are not UTF-8 lead nowhere.
    pub(super) path: Vec<u8>,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// What a request asks for. Paths are lists of decoded names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Show a part of the configuration.
    Show(Vec<String>),
    /// Change a part of the configuration.
    Change(Vec<String>, Change),
    /// Show a part of the status.
    Status(Vec<String>),
    /// Show everything.
    Top,
    /// Restart the application that has one of these names.
    Restart(Vec<String>),
}

/// How to change a part of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Replace or create.
    Put,
    /// Append.
    Post,
    /// Remove.
    Delete,
}

/// What to do with a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Answer at once.
    Answer(Answer),
    /// Give this document to the router; if it is applied, it is the current one.
    Apply(Value),
    /// Ask the router for its status.
    AskStatus(Report),
    /// Ask the router to restart this application.
    Restart(String),
}

/// What to make of the router's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// Show this part of it.
    Part(Vec<String>),
    /// Show it with everything else.
    Top,
}

/// Finds what a request asks for, or its answer if it asks for nothing that is there.
pub(super) fn classify(request: &Request) -> Result<Task, Answer> {
    let Ok(path) = std::str::from_utf8(&request.path) else {
        return Err(Answer::not_found());
    };
    let path = match path.strip_suffix('/') {
        Some("") | None => path,
        Some(shorter) => shorter,
    };
    let is_get = request.method == b"GET";
    if path == "/" {
        return if is_get {
            Ok(Task::Top)
        } else {
            Err(Answer::invalid_method())
        };
    }
    if let Some(names) = below(path, "/config") {
        let change = match &request.method[..] {
            b"GET" => return names.map(Task::Show).ok_or_else(Answer::not_found),
            b"PUT" => Change::Put,
            b"DELETE" => Change::Delete,
            b"POST" if path != "/config" => Change::Post,
            _ => return Err(Answer::not_allowed()),
        };
        return names
            .map(|names| Task::Change(names, change))
            .ok_or_else(Answer::not_found);
    }
    if let Some(names) = below(path, "/status") {
        if !is_get {
            return Err(Answer::invalid_method());
        }
        return names.map(Task::Status).ok_or_else(Answer::invalid_path);
    }
    if let Some(control) = path.strip_prefix("/control/") {
        if !is_get {
            return Err(Answer::not_allowed());
        }
        let name = control
            .strip_prefix("applications/")
            .and_then(|rest| rest.strip_suffix("/restart"));
        let Some(name) = name else {
            return Err(Answer::not_found());
        };
        // Unit 1.35.0 knows only the second form, which cannot name an application with a slash.
        return Ok(Task::Restart(
            percent::decode_name(name)
                .into_iter()
                .chain([name.to_owned()])
                .collect(),
        ));
    }
    Err(Answer::not_found())
}

/// The names below a top path; `Some(None)` if one of them cannot be a name at all.
fn below(path: &str, top: &str) -> Option<Option<Vec<String>>> {
    match path.strip_prefix(top)? {
        "" => Some(Some(Vec::new())),
        rest => Some(
            rest.strip_prefix('/')?
                .split('/')
                .map(percent::decode_name)
                .collect(),
        ),
    }
}

impl Task {
    /// Whether it can be answered while another task is in progress or the router is away.
    pub(super) fn is_immediate(&self) -> bool {
        matches!(self, Task::Show(_))
    }

    /// Decides what to do, given the current document.
    pub(super) fn plan(self, body: &[u8], document: &Value, modules: &[Module]) -> Plan {
        match self {
            Task::Show(path) => Plan::Answer(match json::find(document, &path) {
                Some(value) => Answer::value(value.clone()),
                None => Answer::not_found(),
            }),
            Task::Change(path, change) => match changed(&path, change, body, document, modules) {
                Ok(document) => Plan::Apply(document),
                Err(answer) => Plan::Answer(answer),
            },
            Task::Status(path) => Plan::AskStatus(Report::Part(path)),
            Task::Top => Plan::AskStatus(Report::Top),
            Task::Restart(names) => {
                let applications = document.get_member("applications").unwrap_or(&Value::Null);
                match names
                    .into_iter()
                    .find(|name| applications.get_member(name).is_some())
                {
                    Some(name) => Plan::Restart(name),
                    None => Plan::Answer(Answer::not_found()),
                }
            }
        }
    }
}

/// The document after a change, validated.
fn changed(
    path: &[String],
    change: Change,
    body: &[u8],
    document: &Value,
    modules: &[Module],
) -> Result<Value, Answer> {
    let value = || {
        let text = json::skip_bom(body);
        json::parse(text).map_err(|error| Answer::invalid_json(&error, text))
    };
    let edit = match change {
        Change::Put => Edit::Put(value()?),
        Change::Post => Edit::Append(value()?),
        Change::Delete => Edit::Delete,
    };
    let changed = json::edit(document, path, edit).map_err(|error| match error {
        EditError::NotFound => Answer::not_found(),
        EditError::NotArray => Answer::not_allowed(),
    })?;
    if !within_depth(&changed, json::MAX_DEPTH) {
        // What is stored must be readable again.
        return Err(Answer::invalid_configuration(
            "The configuration is nested too deeply.",
        ));
    }
    validate(&changed, modules).map_err(|error| Answer::invalid_configuration(&error.0))?;
    Ok(changed)
}

/// Whether containers are nested no deeper than this.
fn within_depth(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(elements) => {
            depth > 0
                && elements
                    .iter()
                    .all(|element| within_depth(element, depth - 1))
        }
        Value::Object(members) => {
            depth > 0
                && members
                    .iter()
                    .all(|(_, member)| within_depth(member, depth - 1))
        }
        _ => true,
    }
}

/// The answer to a request for the status, from what the router reports.
pub(super) fn report(
    report: Report,
    router: Value,
    document: &Value,
    modules: &[Module],
) -> Answer {
    let mut status = object([("modules", modules_value(modules))]);
    for (name, value) in router.members() {
        status.set_member(name, value.clone());
    }
    match report {
        Report::Top => Answer::value(object([("config", document.clone()), ("status", status)])),
        Report::Part(path) => match json::find(&status, &path) {
            Some(value) => Answer::value(value.clone()),
            None => Answer::invalid_path(),
        },
    }
}

/// Modules by language: an object for one, an array for several.
fn modules_value(modules: &[Module]) -> Value {
    let mut languages = Value::object();
    for module in modules {
        let shown = object([
            ("version", Value::string(&*module.version)),
            ("lib", Value::string(module.file.to_string_lossy().as_ref())),
        ]);
        let both = match languages.get_member(&module.kind) {
            None => shown,
            Some(Value::Array(others)) => {
                Value::Array(others.iter().cloned().chain([shown]).collect())
            }
            Some(other) => Value::Array(vec![other.clone(), shown]),
        };
        languages.set_member(&module.kind, both);
    }
    languages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::json::{compact, parse};

    fn request(method: &str, path: &str, body: &str) -> Request {
        Request {
            method: method.into(),
            path: path.into(),
            body: body.into(),
        }
    }

    const DOCUMENT: &str = r#"{"listeners":{},"routes":[{"action":{"return":200}}],"applications":{"a/b":{"type":"external","executable":"x"}}}"#;

    /// `STATUS BODY` of an answer, or what is planned.
    fn run(method: &str, path: &str, body: &str) -> String {
        let request = request(method, path, body);
        let document = parse(DOCUMENT.as_bytes()).unwrap();
        let answer = |answer: Answer| format!("{} {}", answer.status, compact(&answer.body));
        match classify(&request).map(|task| task.plan(&request.body, &document, &[])) {
            Err(refused) => answer(refused),
            Ok(Plan::Answer(given)) => answer(given),
            Ok(Plan::Apply(document)) => format!("apply {}", compact(&document)),
            Ok(Plan::AskStatus(Report::Part(path))) => format!("status {}", path.join("|")),
            Ok(Plan::AskStatus(Report::Top)) => "top".to_owned(),
            Ok(Plan::Restart(name)) => format!("restart {name}"),
        }
    }

    const MISSING: &str = r#"404 {"error":"Value doesn't exist."}"#;
    const NOT_ALLOWED: &str = r#"405 {"error":"Method isn't allowed."}"#;
    const INVALID_METHOD: &str = r#"405 {"error":"Invalid method."}"#;

    #[test]
    fn the_configuration_is_shown() {
        assert_eq!(run("GET", "/config", ""), format!("200 {DOCUMENT}"));
        assert_eq!(run("GET", "/config/", ""), format!("200 {DOCUMENT}"));
        assert_eq!(run("GET", "/config/routes/0/action/return", ""), "200 200");
        assert_eq!(
            run("GET", "/config/applications/a%2Fb/type", ""),
            r#"200 "external""#
        );
        for path in [
            "/config/x",
            "/config/routes/1",
            "/configs",
            "/x",
            "/certificates",
            "/js_modules",
        ] {
            assert_eq!(run("GET", path, ""), MISSING, "{path}");
        }
    }

    #[test]
    fn changes_are_validated() {
        assert_eq!(run("PUT", "/config", "\u{feff}{}"), "apply {}");
        assert_eq!(run("DELETE", "/config", ""), "apply {}");
        assert_eq!(
            run("DELETE", "/config/applications/a%2Fb", ""),
            r#"apply {"listeners":{},"routes":[{"action":{"return":200}}],"applications":{}}"#
        );
        assert_eq!(
            run("POST", "/config/routes", r#"{"action":{"return":404}}"#),
            format!(
                "apply {}",
                DOCUMENT.replace("200}}]", r#"200}},{"action":{"return":404}}]"#)
            )
        );
        assert_eq!(
            run("PUT", "/config/routes/0/action/return", "301"),
            format!("apply {}", DOCUMENT.replace("200", "301"))
        );
        assert_eq!(
            run("PUT", "/config/routes/0/action/return", "\"x\""),
            r#"400 {"error":"Invalid configuration.","detail":"The \"return\" value must be an integer number, but not a string."}"#
        );
        assert!(
            run("PUT", "/config/x", "{").starts_with(r#"400 {"error":"Invalid JSON.","detail":"#)
        );
        assert!(
            run("PUT", "/config", "").contains(r#""location":{"offset":0,"line":1,"column":1}"#)
        );
    }

    #[test]
    fn changes_need_a_place() {
        for (method, path) in [
            ("PUT", "/config/routes/2"),
            ("PUT", "/config/x/y"),
            ("PUT", "/config/routes/0/action/return/x"),
            ("PUT", "/config/applications/a%2Fb/type/x"),
            ("POST", "/config/x"),
            ("DELETE", "/config/x"),
            ("DELETE", "/config/routes/1"),
        ] {
            assert_eq!(run(method, path, "{}"), MISSING, "{method} {path}");
        }
        assert_eq!(run("POST", "/config/listeners", "{}"), NOT_ALLOWED);
        for method in ["POST", "HEAD", "PATCH", "get"] {
            assert_eq!(run(method, "/config", "{}"), NOT_ALLOWED, "{method}");
        }
    }

    #[test]
    fn edits_cannot_nest_beyond_what_can_be_read_again() {
        let deep = format!(
            "{}{}",
            "[".repeat(json::MAX_DEPTH),
            "]".repeat(json::MAX_DEPTH)
        );
        let answer = run("PUT", "/config/routes/0/x", &deep);
        assert_eq!(
            answer,
            r#"400 {"error":"Invalid configuration.","detail":"The configuration is nested too deeply."}"#
        );
    }

    #[test]
    fn status_and_top() {
        assert_eq!(run("GET", "/", ""), "top");
        assert_eq!(run("PUT", "/", ""), INVALID_METHOD);
        assert_eq!(run("GET", "/status", ""), "status ");
        assert_eq!(
            run("GET", "/status/requests/total/", ""),
            "status requests|total"
        );
        assert_eq!(run("DELETE", "/status", ""), INVALID_METHOD);
        assert_eq!(run("GET", "/statusx", ""), MISSING);
    }

    #[test]
    fn restarts() {
        assert_eq!(
            run("GET", "/control/applications/a%2Fb/restart", ""),
            "restart a/b"
        );
        assert_eq!(
            run("GET", "/control/applications/a/b/restart/", ""),
            "restart a/b"
        );
        for path in [
            "/control",
            "/control/x",
            "/control/applications/c/restart",
            "/control/applications/restart",
        ] {
            assert_eq!(run("GET", path, ""), MISSING, "{path}");
        }
        assert_eq!(
            run("PUT", "/control/applications/a%2Fb/restart", ""),
            NOT_ALLOWED
        );
    }

    #[test]
    fn reports_list_modules() {
        let module = |kind: &str, version: &str| Module {
            kind: kind.to_owned(),
            version: version.to_owned(),
            file: format!("/m/{version}.so").into(),
        };
        let modules = [
            module("python", "3.11"),
            module("python", "3.9"),
            module("php", "8.2"),
        ];
        let router =
            parse(br#"{"connections":{"idle":1},"requests":{"total":2},"applications":{}}"#)
                .unwrap();
        let document = Value::object();
        let show =
            |wanted: Report| compact(&report(wanted, router.clone(), &document, &modules).body);
        let part = |path: &[&str]| {
            show(Report::Part(
                path.iter().map(|name| (*name).to_owned()).collect(),
            ))
        };
        assert_eq!(
            part(&["modules"]),
            r#"{"python":[{"version":"3.11","lib":"/m/3.11.so"},{"version":"3.9","lib":"/m/3.9.so"}],"php":{"version":"8.2","lib":"/m/8.2.so"}}"#
        );
        assert_eq!(part(&["connections", "idle"]), "1");
        assert_eq!(part(&["x"]), r#"{"error":"Invalid path."}"#);
        assert!(show(Report::Top).starts_with(r#"{"config":{},"status":{"modules":{"#));
    }
}
