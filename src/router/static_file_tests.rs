use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;
use crate::conf::config::Config;
use crate::conf::json;
use crate::http::request::Limits;
use crate::router::request::Address;
use crate::router::route::Table;

/// A folder of files that goes away with the value.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Tree {
        let root = std::env::temp_dir().join(format!("nxt-static-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("dir/sub")).unwrap();
        fs::write(root.join("index.html"), "0123456789").unwrap();
        fs::write(root.join("dir/file"), "blah").unwrap();
        fs::write(root.join("dir/image.PNG"), "png").unwrap();
        fs::write(root.join("empty.txt"), "").unwrap();
        fs::write(root.join(".hidden"), "h").unwrap();
        symlink(root.join("dir/file"), root.join("link")).unwrap();
        symlink("/etc/passwd", root.join("dir/outside")).unwrap();
        nix::unistd::mkfifo(&root.join("fifo"), Mode::S_IRUSR).unwrap();
        Tree(root)
    }

    /// A table with one share; `{}` in the members stands for the folder.
    fn table(&self, members: &str) -> Table {
        let members = members.replace("{}", self.0.to_str().unwrap());
        let document = format!(
            r#"{{"listeners": {{"*:80": {{"pass": "routes"}}}}, "routes": [{{"action": {{{members}}}}}]}}"#
        );
        let document = json::parse(document.as_bytes()).unwrap();
        Table::compile(&Config::from_json(&document).unwrap()).unwrap()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn resolve(table: &Table, line: &str) -> Outcome {
    let address = Address::Ip("127.0.0.1:80".parse().unwrap());
    let mut request = Request::new(address.clone(), address, false, 1);
    let text = format!("{line} HTTP/1.1\r\nHost: dir\r\n\r\n");
    request
        .head
        .parse(text.as_bytes(), &Limits::default())
        .unwrap();
    table.resolve(0, &mut request).outcome
}

fn status(table: &Table, line: &str) -> u16 {
    match resolve(table, line) {
        Outcome::Response(response) | Outcome::File { response, .. } => response.status,
        Outcome::Error(status) => status,
        Outcome::Proxy { .. } | Outcome::Application { .. } => unreachable!(),
    }
}

fn field(response: &Response, name: &str) -> Option<String> {
    response
        .fields
        .get(name.as_bytes())
        .map(|value| String::from_utf8_lossy(value).into_owned())
}

#[test]
fn files_and_directories() {
    let tree = Tree::new("plain");
    let table = tree.table(r#""share": "{}$uri""#);
    let Outcome::File {
        response,
        mut file,
        len,
    } = resolve(&table, "GET /")
    else {
        panic!()
    };
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(
        (text.as_str(), len, response.content_length),
        ("0123456789", 10, Some(10))
    );
    let names: Vec<_> = response
        .fields
        .iter()
        .map(|(name, _)| name.to_vec())
        .collect();
    assert_eq!(names, [&b"Last-Modified"[..], b"ETag", b"Content-Type"]);
    let mtime = fs::metadata(tree.0.join("index.html")).unwrap().mtime();
    assert_eq!(
        field(&response, "ETag").unwrap(),
        format!("\"{mtime:x}-a\"")
    );
    assert_eq!(field(&response, "Content-Type").unwrap(), "text/html");

    let Outcome::Response(head) = resolve(&table, "HEAD /index.html") else {
        panic!()
    };
    assert_eq!((head.status, head.content_length), (200, Some(10)));
    let Outcome::Response(empty) = resolve(&table, "GET /empty.txt") else {
        panic!()
    };
    assert_eq!((empty.status, empty.content_length), (200, Some(0)));
    let Outcome::File { response, .. } = resolve(&table, "GET /dir/image.PNG") else {
        panic!()
    };
    assert_eq!(field(&response, "Content-Type").unwrap(), "image/png");
    let Outcome::File { response, .. } = resolve(&table, "GET /dir/file") else {
        panic!()
    };
    assert_eq!(field(&response, "Content-Type"), None);

    let Outcome::Response(redirect) = resolve(&table, "GET /dir%2Fsub?a=%20b") else {
        panic!()
    };
    assert_eq!((redirect.status, redirect.content_length), (301, Some(0)));
    assert_eq!(field(&redirect, "Location").unwrap(), "/dir/sub/?a=%20b");

    for (line, expected) in [
        ("GET /dir/", 404),
        ("GET /none", 404),
        ("GET /dir/file/", 404),
        ("GET /dir/file/x", 404),
        ("GET /fifo", 404),
        ("GET /.hidden", 200),
        ("GET /link", 200),
        ("POST /index.html", 405),
    ] {
        assert_eq!(status(&table, line), expected, "{line}");
    }
    let long = format!("GET /{}", "a".repeat(300));
    assert_eq!(status(&table, &long), 404);
}

#[test]
fn index_and_arrays() {
    let tree = Tree::new("index");
    let table = tree.table(r#""share": ["{}/none$uri", "{}$uri"], "index": "file""#);
    assert_eq!(status(&table, "GET /dir/"), 200);
    assert_eq!(status(&table, "GET /index.html"), 200);
    assert_eq!(status(&table, "GET /"), 404);
    let last = tree.table(r#""share": ["{}$uri", "{}/none$uri"]"#);
    assert_eq!(status(&last, "GET /dir"), 301);
    // Text that is no path of a file.
    let table = tree.table(r#""share": "$arg_path""#);
    assert_eq!(status(&table, "GET /"), 404);
    let nul = format!("GET /?path={}/index.html%00.txt", tree.0.to_str().unwrap());
    assert_eq!(status(&table, &nul), 404);
}

#[test]
fn types() {
    let tree = Tree::new("types");
    let table = tree.table(r#""share": "{}$uri", "types": ["Image/*", ""]"#);
    for (line, expected) in [
        ("GET /dir/image.PNG", 200),
        ("GET /dir/file", 200),
        ("GET /index.html", 403),
        ("GET /none.html", 403),
        ("GET /none.png", 404),
        ("GET /", 200),
        ("GET /dir", 301),
    ] {
        assert_eq!(status(&table, line), expected, "{line}");
    }
    let table = tree.table(r#""share": "{}$uri", "types": ["!image/png"]"#);
    assert_eq!(status(&table, "GET /dir/image.PNG"), 403);
    assert_eq!(status(&table, "GET /index.html"), 200);
}

#[test]
fn fallbacks() {
    let tree = Tree::new("fallback");
    let table = tree.table(
        r#""share": "{}$uri", "types": "!image/*",
           "fallback": {"share": "{}/dir$uri", "fallback": {"return": 299}}"#,
    );
    assert_eq!(status(&table, "GET /index.html"), 200);
    assert_eq!(status(&table, "GET /file"), 200);
    assert_eq!(status(&table, "GET /image.PNG"), 200);
    assert_eq!(status(&table, "GET /none"), 299);
    assert_eq!(status(&table, "POST /index.html"), 299);
}

#[test]
fn kernel_resolution() {
    let tree = Tree::new("resolve");
    let table = tree.table(r#""share": "{}$uri", "follow_symlinks": false"#);
    assert_eq!(status(&table, "GET /link"), 403);
    assert_eq!(status(&table, "GET /dir/file"), 200);
    let table = tree.table(r#""share": "{}$uri", "traverse_mounts": false"#);
    assert_eq!(status(&table, "GET /dir/file"), 200);
    let table = tree.table(r#""share": "{}$uri", "chroot": "{}/dir""#);
    assert_eq!(status(&table, "GET /dir/file"), 200);
    assert_eq!(status(&table, "GET /dir/none"), 404);
    assert_eq!(status(&table, "GET /index.html"), 403);
    assert_eq!(status(&table, "GET /dirxfile"), 403);
    // The link leads to a name inside the new root, which has no such file.
    assert_eq!(status(&table, "GET /dir/outside"), 404);
    let table = tree.table(r#""share": "{}$uri", "chroot": "{}/$host""#);
    assert_eq!(status(&table, "GET /dir/file"), 200);
    assert_eq!(status(&table, "GET /index.html"), 403);
    let table = tree.table(r#""share": "{}$uri", "chroot": """#);
    assert_eq!(status(&table, "GET /index.html"), 200);
    let table = tree.table(r#""share": "/proc$uri", "traverse_mounts": false"#);
    assert_eq!(status(&table, "GET /version"), 403);
}

#[test]
fn roots_are_compared_by_segments() {
    let inside = |chroot: &str, name: &'static str| {
        strip_chroot(chroot.as_bytes(), name.as_bytes()).map(|rest| str::from_utf8(rest).unwrap())
    };
    assert_eq!(inside("/a/b", "/a/b/c"), Some("c"));
    assert_eq!(inside("/a/b/", "/a/b/c/d"), Some("c/d"));
    assert_eq!(inside("//a///b//", "/a/b///c"), Some("c"));
    assert_eq!(inside("/a/b", "///a//b/c"), Some("c"));
    assert_eq!(inside("/", "/a"), Some("a"));
    assert_eq!(inside(".", "./a"), Some("a"));
    assert_eq!(inside("/a/b", "/a/bc"), None);
    assert_eq!(inside("/a/b", "/a/b"), None);
    assert_eq!(inside("/a/b", "/a/b//"), None);
    assert_eq!(inside("/a/b", "/a"), None);
    assert_eq!(inside(".", "/a"), None);
}
