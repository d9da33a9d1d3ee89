use super::*;
use crate::conf::json::parse;

fn load(text: &str) -> Loaded<Config> {
    Config::from_json(&parse(text.as_bytes()).unwrap())
}

#[test]
fn an_empty_document_has_defaults() {
    let config = load("{}").unwrap();
    assert_eq!(config.settings.listen_threads, None);
    assert_eq!(
        config.settings.shutdown_timeout,
        Some(Duration::from_secs(30))
    );
    assert_eq!(config.settings.http.max_body_size, 8 << 20);
    assert!(
        config.listeners.is_empty() && config.routes.is_empty() && config.applications.is_empty()
    );
}

#[test]
fn the_shutdown_timeout_alone_is_read() {
    let read = |text: &str| shutdown_timeout(&parse(text.as_bytes()).unwrap());
    assert_eq!(read("{}"), Some(Duration::from_secs(30)));
    assert_eq!(read(r#"{"settings": {}}"#), Some(Duration::from_secs(30)));
    assert_eq!(read(r#"{"settings": {"shutdown_timeout": 0}}"#), None);
    let text = r#"{"settings": {"shutdown_timeout": 7}}"#;
    assert_eq!(read(text), Some(Duration::from_secs(7)));
    assert_eq!(
        load(text).unwrap().settings.shutdown_timeout,
        Some(Duration::from_secs(7))
    );
}

#[test]
fn settings_are_read() {
    let config = load(
        r#"{"settings": {"listen_threads": 3, "http": {"idle_timeout": 1e1, "send_timeout": -5, "max_body_size": 0,
            "body_temp_path": "/x", "log_route": true, "server_version": false, "body_read_timeout": 9e15,
            "websocket": {"read_timeout": 0, "max_frame_size": 77},
            "static": {"mime_types": {"text/x": [".A", ".b"], "text/y": "README"}}}}}"#,
    )
    .unwrap();
    let http = config.settings.http;
    assert_eq!(config.settings.listen_threads, Some(3));
    assert_eq!(http.idle_timeout, Duration::from_secs(10));
    assert_eq!(http.send_timeout, Duration::ZERO);
    assert_eq!(http.body_read_timeout, Duration::from_secs(i32::MAX as u64));
    assert_eq!(http.max_body_size, 0);
    assert_eq!(http.body_temp_path.as_deref(), Some("/x".as_ref()));
    assert!(http.log_route && !http.server_version && http.discard_unsafe_fields);
    assert_eq!(
        (http.websocket_read_timeout, http.websocket_max_frame_size),
        (Duration::ZERO, 77)
    );
    let pair = |extension: &str, mime: &str| (extension.to_owned(), mime.to_owned());
    assert_eq!(
        http.mime_types,
        [
            pair(".a", "text/x"),
            pair(".b", "text/x"),
            pair("readme", "text/y")
        ]
    );
}

#[test]
fn listeners_pass_somewhere() {
    let config = load(
        r#"{"listeners": {"*:1": {"pass": "routes", "backlog": 5}, "*:2": {"application": "a/$b"},
            "*:3": {"pass": "routes/x", "application": "y"}}}"#,
    )
    .unwrap();
    let passes: Vec<_> = config
        .listeners
        .iter()
        .map(|listener| (&*listener.pass, listener.backlog))
        .collect();
    assert_eq!(
        passes,
        [
            ("routes", 5),
            ("applications/a%2F%24b", -1),
            ("routes/x", -1)
        ]
    );
    assert_eq!(
        load(r#"{"listeners": {"*:1": {}}}"#).unwrap_err(),
        ConfigError::NoPass("*:1".into())
    );
}

#[test]
fn routes_have_conditions_and_actions() {
    let config = load(
        r#"{"routes": {"a": [{"match": {"method": "GET", "uri": ["/a", "!/b"], "scheme": "HTTP",
            "headers": {"x": "1"}, "arguments": [{"k": ["v"]}, {}], "if": "$uri"},
            "action": {"share": "/w$uri", "types": ["!text/x"], "follow_symlinks": false,
            "fallback": {"pass": "applications/p"}, "response_headers": {"A": null, "B": "$host"}}}],
            "b": [{"action": {"return": 301, "location": "/x", "rewrite": "/y"}}]}}"#,
    )
    .unwrap();
    let step = &config.routes[0].steps[0];
    assert_eq!(config.routes[0].name, "a");
    assert_eq!(
        step.conditions.method.as_deref(),
        Some(&["GET".to_owned()][..])
    );
    assert_eq!(step.conditions.scheme.as_deref(), Some("http"));
    assert_eq!(
        step.conditions.headers,
        Some(vec![vec![("x".into(), vec!["1".into()])]])
    );
    assert_eq!(
        step.conditions.arguments,
        Some(vec![vec![("k".into(), vec!["v".into()])], vec![]])
    );
    assert_eq!(step.conditions.host, None);
    assert_eq!(
        step.action.response_headers,
        [("A".into(), None), ("B".into(), Some("$host".into()))]
    );
    let ActionKind::Share(share) = &step.action.kind else {
        panic!("{step:?}")
    };
    assert_eq!(
        (&*share.index, share.follow_symlinks, share.traverse_mounts),
        ("index.html", false, true)
    );
    assert!(
        matches!(&share.fallback, Some(Action { kind: ActionKind::Pass(pass), .. }) if pass == "applications/p")
    );
    let action = &config.routes[1].steps[0].action;
    assert!(
        matches!(&action.kind, ActionKind::Return { status: 301, location: Some(place) } if place == "/x")
    );
    assert_eq!(action.rewrite.as_deref(), Some("/y"));
    assert_eq!(
        load(r#"{"routes": [{}]}"#).unwrap_err(),
        ConfigError::NoAction(String::new())
    );
}

#[test]
fn applications_keep_their_text() {
    let config = load(
        r#"{"applications": {"x": {"type": "python 3", "processes": 4, "targets": {"b": {}, "a": {}}},
            "y": {"type": "external", "processes": {"max": 5, "idle_timeout": 2}, "limits": {"timeout": 7,
            "requests": 9, "shm": 1024}}, "z": {"type": "php"}}}"#,
    )
    .unwrap();
    let [x, y, z] = &config.applications[..] else {
        panic!()
    };
    assert_eq!(
        x.json,
        r#"{"type":"python 3","processes":4,"targets":{"b":{},"a":{}}}"#
    );
    assert_eq!(
        (x.max_processes, x.spare_processes, x.targets.join(" ")),
        (4, 4, "b a".to_owned())
    );
    assert_eq!(
        (y.max_processes, y.spare_processes, y.idle_timeout.as_secs()),
        (5, 0, 2)
    );
    assert_eq!((y.timeout.as_secs(), y.requests, y.shm), (7, 9, 1024));
    assert_eq!(
        (
            z.max_processes,
            z.spare_processes,
            z.idle_timeout.as_secs(),
            z.shm
        ),
        (1, 1, 15, DEFAULT_SHM)
    );
    assert_eq!((z.timeout, z.requests), (Duration::ZERO, 0));
}

#[test]
fn wrong_types_are_errors() {
    for (text, name) in [
        (r#"{"listeners": 1}"#, "listeners"),
        (r#"{"routes": 1}"#, "routes"),
        (r#"{"settings": {"http": {"log_route": 1}}}"#, "log_route"),
        (r#"{"applications": {"a": {}}}"#, "type"),
    ] {
        assert_eq!(
            load(text).unwrap_err(),
            ConfigError::Type(name.into()),
            "{text}"
        );
    }
}

#[test]
fn listeners_may_trust_proxies() {
    let config = load(
        r#"{"listeners": {"*:1": {"pass": "routes", "client_ip": {"header": "A", "source": "10.0.0.0/8"},
            "forwarded": {"protocol": "B", "source": ["unix"], "recursive": true}}}}"#,
    )
    .unwrap();
    let [forwarded, client_ip] = &config.listeners[0].forwarding[..] else {
        panic!()
    };
    assert_eq!(
        (&forwarded.client_ip, forwarded.protocol.as_deref()),
        (&None, Some("B"))
    );
    assert_eq!(
        (client_ip.client_ip.as_deref(), &client_ip.protocol),
        (Some("A"), &None)
    );
    assert!(forwarded.recursive && !client_ip.recursive);
    assert_eq!(client_ip.source, ["10.0.0.0/8"]);
}

#[test]
fn access_logs_have_a_default_format() {
    let log = |text: &str| {
        load(&format!(r#"{{"access_log": {text}}}"#)).map(|config| config.access_log.unwrap())
    };
    let short = log(r#""/a""#).unwrap();
    assert_eq!((&*short.path, short.format), ("/a", LogFormat::default()));
    let long = log(r#"{"path": "/a", "format": {"b": "$uri"}, "if": "c"}"#).unwrap();
    let members = vec![("b".to_owned(), "$uri".to_owned())];
    assert_eq!(long.format, LogFormat::Json(members));
    assert_eq!(long.condition.as_deref(), Some("c"));
    assert!(log("{}").is_err());
}

#[test]
fn servers_are_addresses() {
    let config = load(
        r#"{"upstreams": {"u": {"servers": {"127.0.0.1:1": {}, "unix:/s": {"weight": 0.5}}}},
            "routes": [{"action": {"proxy": "http://[::1]:2"}}]}"#,
    )
    .unwrap();
    let weights: Vec<_> = config.upstreams[0]
        .servers
        .iter()
        .map(|server| server.weight)
        .collect();
    assert_eq!(weights, [1.0, 0.5]);
    assert!(matches!(
        &config.routes[0].steps[0].action.kind,
        ActionKind::Proxy(SocketName::Inet(address)) if address.port() == 2
    ));
    assert_eq!(
        load(r#"{"routes": [{"action": {"proxy": "http://x"}}]}"#).unwrap_err(),
        ConfigError::Address("x".into())
    );
}
