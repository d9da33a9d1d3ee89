//! Status lines, and the page that goes with an error.

/// Largest status that can be sent.
pub const MAX_STATUS: u16 = 999;

/// Plain HTTP on a TLS port: sent as 400, the page says 497.
pub const PLAIN_TO_TLS: u16 = 497;

/// The reason phrase of a status; empty for those that Unit has no phrase for.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Payload Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        418 => "I'm a teapot",
        421 => "Misdirected Request",
        422 => "Unprocessable Entity",
        423 => "Locked",
        424 => "Failed Dependency",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

/// Writes the status line with its line end. The version is always 1.1.
pub fn write_status_line(out: &mut Vec<u8>, status: u16) {
    let (status, phrase) = match status {
        PLAIN_TO_TLS => (400, "The plain HTTP request was sent to HTTPS port"),
        0..=MAX_STATUS => (status, reason(status)),
        _ => (500, reason(500)),
    };
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&digits(status));
    out.push(b' ');
    out.extend_from_slice(phrase.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// A status as three digits.
pub fn digits(status: u16) -> [u8; 3] {
    let digit = |value: u16| b'0' + (value % 10) as u8;
    [digit(status / 100), digit(status / 10), digit(status)]
}

/// Length of every error page.
pub const ERROR_PAGE_LEN: usize = 54;

/// Writes the body of an error response, [`ERROR_PAGE_LEN`] bytes of `text/html`.
pub fn write_error_page(out: &mut Vec<u8>, status: u16) {
    let status = digits(status);
    for part in [
        &b"<!DOCTYPE html><title>Error "[..],
        &status,
        b"</title><p>Error ",
        &status,
        b".\r\n",
    ] {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(status: u16) -> String {
        let mut out = Vec::new();
        write_status_line(&mut out, status);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn status_lines() {
        assert_eq!(line(200), "HTTP/1.1 200 OK\r\n");
        assert_eq!(line(429), "HTTP/1.1 429 \r\n");
        assert_eq!(line(0), "HTTP/1.1 000 \r\n");
        assert_eq!(line(999), "HTTP/1.1 999 \r\n");
        assert_eq!(line(1000), "HTTP/1.1 500 Internal Server Error\r\n");
        assert_eq!(
            line(497),
            "HTTP/1.1 400 The plain HTTP request was sent to HTTPS port\r\n"
        );
    }

    #[test]
    fn redirections_have_their_own_number() {
        assert_eq!(line(305), "HTTP/1.1 305 Use Proxy\r\n");
        assert_eq!(line(306), "HTTP/1.1 306 \r\n");
        assert_eq!(line(307), "HTTP/1.1 307 Temporary Redirect\r\n");
        assert_eq!(line(308), "HTTP/1.1 308 Permanent Redirect\r\n");
    }

    #[test]
    fn error_page() {
        let mut page = Vec::new();
        write_error_page(&mut page, 404);
        assert_eq!(
            page,
            b"<!DOCTYPE html><title>Error 404</title><p>Error 404.\r\n"
        );
        assert_eq!(page.len(), ERROR_PAGE_LEN);
    }
}
