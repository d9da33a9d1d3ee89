//! MIME types of files by their extension.

use std::collections::HashMap;

/// The types that need no configuration. Extensions come with their dot, in lower case.
const DEFAULTS: &[(&str, &[&str])] = &[
    ("text/html", &[".html", ".htm"]),
    ("text/css", &[".css"]),
    ("text/plain", &[".txt"]),
    ("text/markdown", &[".md"]),
    ("text/x-rst", &[".rst"]),
    ("image/svg+xml", &[".svg"]),
    ("image/webp", &[".webp"]),
    ("image/png", &[".png"]),
    ("image/apng", &[".apng"]),
    ("image/jpeg", &[".jpeg", ".jpg"]),
    ("image/gif", &[".gif"]),
    ("image/x-icon", &[".ico"]),
    ("image/avif", &[".avif"]),
    ("image/avif-sequence", &[".avifs"]),
    ("font/woff", &[".woff"]),
    ("font/woff2", &[".woff2"]),
    ("font/otf", &[".otf"]),
    ("font/ttf", &[".ttf"]),
    ("application/javascript", &[".js", ".mjs"]),
    ("application/json", &[".json"]),
    ("application/xml", &[".xml"]),
    ("application/rss+xml", &[".rss"]),
    ("application/atom+xml", &[".atom"]),
    ("application/pdf", &[".pdf"]),
    ("application/zip", &[".zip"]),
    ("application/x-httpd-php", &[".php"]),
    (
        "application/octet-stream",
        &[
            ".exe", ".bin", ".dll", ".iso", ".img", ".msi", ".deb", ".rpm",
        ],
    ),
    ("audio/mpeg", &[".mp3"]),
    ("audio/ogg", &[".ogg"]),
    ("audio/midi", &[".midi", ".mid"]),
    ("audio/flac", &[".flac"]),
    ("audio/aac", &[".aac"]),
    ("audio/wav", &[".wav"]),
    ("video/mpeg", &[".mpeg", ".mpg"]),
    ("video/mp4", &[".mp4"]),
    ("video/webm", &[".webm"]),
    ("video/x-msvideo", &[".avi"]),
];

/// Types by extension: the defaults, with those of the configuration in their place.
#[derive(Clone, Debug)]
pub struct MimeTypes {
    by_extension: HashMap<Vec<u8>, Box<str>>,
}

impl MimeTypes {
    /// The defaults and then `overrides`: extension (or a whole name without a dot) and type.
    pub fn new(overrides: &[(String, String)]) -> MimeTypes {
        let defaults = DEFAULTS.iter().flat_map(|(mime, extensions)| {
            extensions.iter().map(move |extension| (*extension, *mime))
        });
        let configured = overrides
            .iter()
            .map(|(extension, mime)| (extension.as_str(), mime.as_str()));
        let by_extension = defaults
            .chain(configured)
            .map(|(extension, mime)| (extension.to_ascii_lowercase().into_bytes(), mime.into()))
            .collect();
        MimeTypes { by_extension }
    }

    /// The type of an extension as [`extension`] finds it, in any case; empty if there is none.
    pub fn get(&self, extension: &[u8]) -> &str {
        self.by_extension
            .get(&extension.to_ascii_lowercase())
            .map_or("", |mime| mime)
    }
}

/// The extension of a path, with its dot; the whole last segment if that has no dot.
pub fn extension(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&byte| byte == b'/' || byte == b'.') {
        Some(at) if path[at] == b'/' => &path[at + 1..],
        Some(at) => &path[at..],
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        assert_eq!(extension(b"/a/b.tar.gz"), b".gz");
        assert_eq!(extension(b"/a.b/c"), b"c");
        assert_eq!(extension(b"/a/.hidden"), b".hidden");
        assert_eq!(extension(b"plain"), b"plain");
        assert_eq!(extension(b"/dir/"), b"");
        assert_eq!(extension(b""), b"");
    }

    #[test]
    fn defaults_and_overrides() {
        let types = MimeTypes::new(&[
            (".HTML".into(), "text/x-own".into()),
            ("readme".into(), "text/plain".into()),
        ]);
        assert_eq!(types.get(b".html"), "text/x-own");
        assert_eq!(types.get(b".HTM"), "text/html");
        assert_eq!(types.get(b"README"), "text/plain");
        assert_eq!(types.get(b".unknown"), "");
        assert_eq!(types.get(b".php"), "application/x-httpd-php");
        assert_eq!(MimeTypes::new(&[]).by_extension.len(), 49);
    }
}
