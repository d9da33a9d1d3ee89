use super::*;
use crate::conf::config::Config;
use crate::conf::json;
use crate::http::request::Limits;
use crate::http::response::Connection;
use crate::router::request::{Address, Request};

/// The table of a document without its outer braces; if it has no listeners, one passes to `routes`.
fn table(members: &str) -> Table {
    if members.contains("\"listeners\"") {
        return try_table(members).unwrap();
    }
    try_table(&format!(
        "\"listeners\": {{\"*:80\": {{\"pass\": \"routes\"}}}}, {members}"
    ))
    .unwrap()
}

fn try_table(members: &str) -> Result<Table, CompileError> {
    let document = json::parse(format!("{{{members}}}").as_bytes()).unwrap();
    Table::compile(&Config::from_json(&document).unwrap())
}

/// A table of one step that answers 200 to what matches.
fn matcher(conditions: &str) -> Table {
    table(&format!(
        "\"routes\": [{{\"match\": {{{conditions}}}, \"action\": {{\"return\": 200}}}}]"
    ))
}

fn request(text: &str) -> Request {
    let remote = Address::Ip("192.0.2.7:4000".parse().unwrap());
    let local = Address::Ip("127.0.0.1:80".parse().unwrap());
    let mut request = Request::new(remote, local, false, 1);
    let text = format!("{text}\r\n\r\n");
    request
        .head
        .parse(text.as_bytes(), &Limits::default())
        .unwrap();
    request
}

fn get(target: &str) -> Request {
    request(&format!("GET {target} HTTP/1.1"))
}

/// The status of a response or an error page; applications as text.
fn outcome(table: &Table, request: &mut Request) -> String {
    match table.resolve(0, request).outcome {
        Outcome::Response(response) => response.status.to_string(),
        Outcome::Error(status) => format!("error {status}"),
        Outcome::File { .. } => "file".into(),
        Outcome::Application { index, target } => format!("application {index} {target}"),
        Outcome::Proxy { peer } => format!("proxy {}", table.peer(peer)),
    }
}

fn matched(table: &Table, mut request: Request) -> bool {
    match outcome(table, &mut request).as_str() {
        "200" => true,
        "error 404" => false,
        other => panic!("{other}"),
    }
}

#[test]
fn methods_and_hosts() {
    let methods = matcher(r#""method": ["get", "P*"]"#);
    for (method, expected) in [
        ("GET", true),
        ("POST", true),
        ("PUT", true),
        ("HEAD", false),
    ] {
        assert_eq!(
            matched(&methods, request(&format!("{method} / HTTP/1.1"))),
            expected
        );
    }
    let hosts = matcher(r#""host": ["*.Example.com", "!bad.example.com"]"#);
    let host = |name: &str| matched(&hosts, request(&format!("GET / HTTP/1.1\r\nHost: {name}")));
    assert!(host("WWW.example.com:8080") && host("a.b.example.com."));
    assert!(!host("bad.example.com") && !host("example.com"));
    assert!(matched(&matcher(r#""host": """#), get("/")));
    assert!(!matched(&matcher(r#""host": "a""#), get("/")));
}

#[test]
fn paths_and_queries() {
    let paths = matcher(r#""uri": ["/a b", "/%2A*", "~^/x[0-9]+$"]"#);
    for (target, expected) in [
        ("/a%20b", true),
        ("/*z", true),
        ("/z", false),
        ("/x12", true),
        ("/x", false),
        ("/y/../*", true),
    ] {
        assert_eq!(matched(&paths, get(target)), expected, "{target}");
    }
    let query = matcher(r#""query": ["a=b+c*", ""]"#);
    for (target, expected) in [
        ("/?a=b%20c&d", true),
        ("/?a=b+c", true),
        ("/", true),
        ("/?", true),
        ("/?a=b", false),
    ] {
        assert_eq!(matched(&query, get(target)), expected, "{target}");
    }
}

#[test]
fn arguments_headers_and_cookies() {
    let arguments = matcher(r#""arguments": [{"a+b": "1*", "c": ["", "!x"]}, {"z": "!no"}]"#);
    for (target, expected) in [
        ("/?a+b=12&c", true),
        ("/?a%20b=1&c=", true),
        ("/?a+b=1", false),
        ("/?a+b=1&a+b=2&c", false),
        ("/?a+b=1&a+b=1&c", true),
        ("/?z=yes", true),
        ("/?z=no", false),
        ("/?Z=yes", false),
        ("/", false),
    ] {
        assert_eq!(matched(&arguments, get(target)), expected, "{target}");
    }
    let headers = matcher(r#""headers": {"X-Test": ["VALUE*", "!*bad"]}"#);
    let header = |fields: &str| matched(&headers, request(&format!("GET / HTTP/1.1{fields}")));
    assert!(header("\r\nx-TEST: value 1"));
    assert!(header("\r\nx-test: value 1\r\nx-test: Value 2"));
    assert!(!header("\r\nx-test: value 1\r\nx-test: other"));
    assert!(!header("\r\nx-test: value bad"));
    assert!(!header(""));
    let cookies = matcher(r#""cookies": {"Id": "~^[0-9]+$"}"#);
    let cookie = |value: &str| {
        matched(
            &cookies,
            request(&format!("GET / HTTP/1.1\r\nCookie: {value}")),
        )
    };
    assert!(cookie("a=b; Id=12") && !cookie("id=12") && !cookie("Id=12; Id=x"));
    // Nothing asked for.
    assert!(matched(&matcher(r#""arguments": {}"#), get("/")));
    assert!(matched(&matcher(r#""arguments": []"#), get("/")));
    assert!(!matched(&matcher(r#""headers": {"x": []}"#), get("/")));
    assert!(!matched(&matcher(r#""headers": {"x": "!a"}"#), get("/")));
}

#[test]
fn addresses_and_schemes() {
    for (conditions, expected) in [
        (r#""source": "192.0.2.0/24""#, true),
        (r#""source": ["192.0.2.0/24", "!192.0.2.7"]"#, false),
        (r#""source": ["!192.0.2.8"]"#, true),
        (r#""source": ["!192.0.2.8", "10.0.0.1"]"#, false),
        (r#""source": []"#, false),
        (r#""source": "unix""#, false),
        (r#""destination": "*:80""#, true),
        (r#""destination": "*:81""#, false),
        (r#""scheme": "http""#, true),
        (r#""scheme": "https""#, false),
        (r#""if": "$arg_a""#, false),
        (r#""if": "!$arg_a""#, true),
    ] {
        assert_eq!(
            matched(&matcher(conditions), get("/")),
            expected,
            "{conditions}"
        );
    }
    let mut unix = get("/");
    unix.remote = Address::Unix(Vec::new());
    assert!(matched(&matcher(r#""source": "unix""#), unix));
}

#[test]
fn passes() {
    let table = table(
        r#""routes": {"a/b": [{"match": {"uri": "/app"}, "action": {"pass": "applications/x%2Fy/two"}},
            {"match": {"uri": "/one"}, "action": {"pass": "applications/x%2Fy"}},
            {"match": {"uri": "/var"}, "action": {"pass": "applications/$arg_name/$arg_target"}},
            {"match": {"uri": "/loop"}, "action": {"pass": "routes/a%2Fb"}},
            {"match": {"uri": "/varloop"}, "action": {"pass": "routes/$arg_name"}}]},
        "applications": {"p": {"type": "external", "executable": "/p"},
            "x/y": {"type": "python", "targets": {"one": {"module": "m"}, "two": {"module": "m"}}}},
        "listeners": {"*:80": {"pass": "routes/a%2Fb"}, "*:81": {"pass": "applications/p"}}"#,
    );
    for (target, expected) in [
        ("/app", "application 1 1"),
        ("/one", "application 1 0"),
        ("/var?name=x%2Fy&target=one", "error 404"),
        ("/var?name=x%252Fy&target=one", "application 1 0"),
        ("/var?name=p&target=", "error 404"),
        ("/var?name=p&target=t", "error 404"),
        ("/var?name=%ff&target=t", "error 404"),
        ("/loop", "error 500"),
        ("/varloop?name=a%252Fb", "error 500"),
        ("/varloop?name=none", "error 404"),
        ("/else", "error 404"),
    ] {
        assert_eq!(outcome(&table, &mut get(target)), expected, "{target}");
    }
    let second = table.resolve(1, &mut get("/"));
    assert!(matches!(
        second.outcome,
        Outcome::Application {
            index: 0,
            target: 0
        }
    ));
    assert_eq!(second.action, None);
    assert!(matches!(
        table.resolve(9, &mut get("/")).outcome,
        Outcome::Error(404)
    ));
}

#[test]
fn mistakes_are_found_when_compiling() {
    let routes = |step: &str| format!(r#""routes": [{step}], "listeners": {{}}"#);
    for step in [
        r#"{"action": {"pass": "routes/none"}}"#,
        r#"{"action": {"pass": "applications/none"}}"#,
        r#"{"match": {"uri": "~("}, "action": {"return": 200}}"#,
        r#"{"match": {"uri": "/%zz"}, "action": {"return": 200}}"#,
        r#"{"match": {"source": "nowhere"}, "action": {"return": 200}}"#,
        r#"{"action": {"share": "/www$nope"}}"#,
        r#"{"action": {"return": 301, "location": "$"}}"#,
    ] {
        assert!(try_table(&routes(step)).is_err(), "{step}");
    }
}

fn location(table: &Table, target: &str) -> String {
    match table.resolve(0, &mut get(target)).outcome {
        Outcome::Response(response) => {
            String::from_utf8_lossy(response.fields.get(b"Location").unwrap()).into_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn returns() {
    let of = |action: &str| table(&format!(r#""routes": [{{"action": {{{action}}}}}]"#));
    assert_eq!(outcome(&of(r#""return": 404"#), &mut get("/")), "error 404");
    assert_eq!(
        outcome(&of(r#""return": 599, "location": "/x""#), &mut get("/")),
        "error 599"
    );
    assert_eq!(outcome(&of(r#""return": 999"#), &mut get("/")), "999");
    assert_eq!(outcome(&of(r#""return": 0"#), &mut get("/")), "0");
    assert_eq!(
        location(&of(r#""return": 301, "location": "/a b""#), "/"),
        "/a%20b"
    );
    assert_eq!(location(&of(r#""return": 301, "location": """#), "/"), "");
    let template = of(r#""return": 302, "location": "https://$host$request_uri""#);
    assert_eq!(location(&template, "/a%20b?c"), "https:///a%20b?c");
    assert_eq!(
        location(&of(r#""return": 302, "location": "$uri""#), "/a%20b"),
        "/a%20b"
    );
}

#[test]
fn rewrites_accumulate_along_the_chain() {
    let table = table(
        r#""routes": {"one": [{"action": {"rewrite": "/one$uri?x#y", "pass": "routes/two"}}],
            "two": [{"match": {"uri": "/one/a b"}, "action": {"rewrite": "/two/../two$uri", "pass": "routes/$arg_to"}},
                {"match": {"uri": "/one/%25"}, "action": {"rewrite": "$uri", "return": 200}}],
            "three": [{"action": {"return": 200, "location": "$uri $request_uri"}}],
            "up": [{"action": {"rewrite": "/..", "return": 200}}],
            "empty": [{"action": {"rewrite": "", "return": 200, "location": "[$uri]"}}]},
        "listeners": {"*:80": {"pass": "routes/one"}, "*:81": {"pass": "routes/up"}, "*:82": {"pass": "routes/empty"}}"#,
    );
    let mut first = get("/a%20b?to=three");
    let resolution = table.resolve(0, &mut first);
    assert_eq!(first.path(), b"/two/one/a b");
    assert_eq!(first.head.query(), b"to=three");
    let Outcome::Response(response) = resolution.outcome else {
        panic!()
    };
    let location = response.fields.get(b"Location").unwrap();
    assert_eq!(location, b"/two/one/a%20b%20/a%2520b?to=three");
    // A decoded percent sign does not survive a second decoding.
    assert_eq!(outcome(&table, &mut get("/%25")), "error 500");
    assert!(matches!(
        table.resolve(1, &mut get("/")).outcome,
        Outcome::Error(500)
    ));
    let mut empty = get("/x");
    table.resolve(2, &mut empty);
    assert_eq!(empty.path(), b"");
}

fn with_headers(table: &Table, mut response: Response, target: &str) -> Vec<String> {
    let mut request = get(target);
    let resolution = table.resolve(0, &mut request);
    let connection = Connection {
        minor_version: 1,
        keep_alive: true,
        server_version: true,
        has_body: true,
        websocket_key: None,
    };
    table.apply_response_headers(resolution.action, &mut request, &mut response, &connection);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    response
        .fields
        .iter()
        .map(|(name, value)| format!("{}: {}", text(name), text(value)))
        .collect()
}

#[test]
fn response_headers_of_the_action_taken() {
    let table = table(
        r#""routes": {"one": [{"action": {"pass": "routes/two", "response_headers": {"X-One": "1"}}}],
            "two": [{"action": {"return": 200, "response_headers": {"x-old": "$uri", "X-Gone": null,
                "X-New": "$response_header_x_old", "X-Empty": "", "X-Status": "$status"}}}]},
        "listeners": {"*:80": {"pass": "routes/one"}}"#,
    );
    let mut response = Response::new(200);
    for (name, value) in [
        ("X-Old", "a"),
        ("X-Gone", "b"),
        ("X-Gone", "c"),
        ("X-Old", "d"),
    ] {
        response.fields.push(name.as_bytes(), value.as_bytes());
    }
    assert_eq!(
        with_headers(&table, response.clone(), "/p"),
        [
            "X-Old: /p",
            "X-Gone: c",
            "X-Old: d",
            "X-New: a",
            "X-Empty: ",
            "X-Status: 200"
        ]
    );
    for status in [199, 400, 404, 500] {
        let other = Response {
            status,
            ..response.clone()
        };
        assert_eq!(with_headers(&table, other, "/p").len(), 4);
    }
}

#[test]
fn many_exact_paths_choose_the_same_step_as_trying_each() {
    let mut steps = Vec::new();
    for n in 0..20 {
        steps.push(format!(
            r#"{{"match": {{"uri": ["/{n}", "/same"]}}, "action": {{"return": {}}}}}"#,
            200 + n
        ));
    }
    // Conditions besides the path, and a break in the row.
    steps[3] = r#"{"match": {"uri": "/4", "method": "POST"}, "action": {"return": 303}}"#.into();
    steps[9] = r#"{"match": {"uri": "/1*"}, "action": {"return": 309}}"#.into();
    let table = table(&format!(r#""routes": [{}]"#, steps.join(",")));
    assert_eq!(table.routes[0].runs.len(), 2);
    let targets: Vec<String> = (0..22).map(|n| format!("/{n}")).collect();
    for target in targets
        .iter()
        .map(String::as_str)
        .chain(["/same", "/", "/none"])
    {
        for method in ["GET", "POST"] {
            let text = format!("{method} {target} HTTP/1.1");
            let mut one_by_one = request(&text);
            one_by_one.log_route = true;
            let expected = outcome(&table, &mut one_by_one);
            assert_eq!(outcome(&table, &mut request(&text)), expected, "{text}");
        }
    }
    assert_eq!(outcome(&table, &mut get("/4")), "204");
    assert_eq!(outcome(&table, &mut request("POST /4 HTTP/1.1")), "303");
    assert_eq!(outcome(&table, &mut get("/12")), "309");
    assert_eq!(outcome(&table, &mut get("/same")), "200");
}

#[test]
fn hopeless_regular_expressions_fail_the_request() {
    let table = matcher(r#""uri": "~^/(a+)+$""#);
    let mut request = get(&format!("/{}b", "a".repeat(4000)));
    assert_eq!(outcome(&table, &mut request), "error 500");
}
