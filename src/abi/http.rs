//! The status numbers of `nxt_http.h`.

use libc::c_int;

/// A response's status: a three-digit number, or one of the two that mean there is none.
pub type nxt_http_status_t = c_int;

/// Not set yet.
pub const NXT_HTTP_UNSET: nxt_http_status_t = -1;
/// Not a status.
pub const NXT_HTTP_INVALID: nxt_http_status_t = 0;
/// 100 Continue.
pub const NXT_HTTP_CONTINUE: nxt_http_status_t = 100;
/// 101 Switching protocols.
pub const NXT_HTTP_SWITCHING_PROTOCOLS: nxt_http_status_t = 101;
/// 200 Ok.
pub const NXT_HTTP_OK: nxt_http_status_t = 200;
/// 204 No content.
pub const NXT_HTTP_NO_CONTENT: nxt_http_status_t = 204;
/// 300 Multiple choices.
pub const NXT_HTTP_MULTIPLE_CHOICES: nxt_http_status_t = 300;
/// 301 Moved permanently.
pub const NXT_HTTP_MOVED_PERMANENTLY: nxt_http_status_t = 301;
/// 302 Found.
pub const NXT_HTTP_FOUND: nxt_http_status_t = 302;
/// 303 See other.
pub const NXT_HTTP_SEE_OTHER: nxt_http_status_t = 303;
/// 304 Not modified.
pub const NXT_HTTP_NOT_MODIFIED: nxt_http_status_t = 304;
/// 308 Permanent redirect.
pub const NXT_HTTP_PERMANENT_REDIRECT: nxt_http_status_t = 308;
/// 400 Bad request.
pub const NXT_HTTP_BAD_REQUEST: nxt_http_status_t = 400;
/// 403 Forbidden.
pub const NXT_HTTP_FORBIDDEN: nxt_http_status_t = 403;
/// 404 Not found.
pub const NXT_HTTP_NOT_FOUND: nxt_http_status_t = 404;
/// 405 Method not allowed.
pub const NXT_HTTP_METHOD_NOT_ALLOWED: nxt_http_status_t = 405;
/// 406 Not acceptable.
pub const NXT_HTTP_NOT_ACCEPTABLE: nxt_http_status_t = 406;
/// 408 Request timeout.
pub const NXT_HTTP_REQUEST_TIMEOUT: nxt_http_status_t = 408;
/// 411 Length required.
pub const NXT_HTTP_LENGTH_REQUIRED: nxt_http_status_t = 411;
/// 413 Payload too large.
pub const NXT_HTTP_PAYLOAD_TOO_LARGE: nxt_http_status_t = 413;
/// 414 URI too long.
pub const NXT_HTTP_URI_TOO_LONG: nxt_http_status_t = 414;
/// 426 Upgrade required.
pub const NXT_HTTP_UPGRADE_REQUIRED: nxt_http_status_t = 426;
/// 431 Request header fields too large.
pub const NXT_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE: nxt_http_status_t = 431;
/// A plain HTTP request on a TLS listener; internal, answered as 400.
pub const NXT_HTTP_TO_HTTPS: nxt_http_status_t = 497;
/// 500 Internal server error.
pub const NXT_HTTP_INTERNAL_SERVER_ERROR: nxt_http_status_t = 500;
/// 501 Not implemented.
pub const NXT_HTTP_NOT_IMPLEMENTED: nxt_http_status_t = 501;
/// 502 Bad gateway.
pub const NXT_HTTP_BAD_GATEWAY: nxt_http_status_t = 502;
/// 503 Service unavailable.
pub const NXT_HTTP_SERVICE_UNAVAILABLE: nxt_http_status_t = 503;
/// 504 Gateway timeout.
pub const NXT_HTTP_GATEWAY_TIMEOUT: nxt_http_status_t = 504;
/// 505 Version not supported.
pub const NXT_HTTP_VERSION_NOT_SUPPORTED: nxt_http_status_t = 505;
/// The greatest status of a server's failure.
pub const NXT_HTTP_SERVER_ERROR_MAX: nxt_http_status_t = 599;
/// The greatest status there is.
pub const NXT_HTTP_STATUS_MAX: nxt_http_status_t = 999;
