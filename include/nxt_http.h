/* Statuses. */

#ifndef NXT_HTTP_H
#define NXT_HTTP_H

/**
 * A response's status: a three-digit number, or one of the two that mean there is none.
 */
typedef int nxt_http_status_t;

/** Not set yet. */
#define NXT_HTTP_UNSET -1

/** Not a status. */
#define NXT_HTTP_INVALID 0

/** 100 Continue. */
#define NXT_HTTP_CONTINUE 100

/** 101 Switching protocols. */
#define NXT_HTTP_SWITCHING_PROTOCOLS 101

/** 200 Ok. */
#define NXT_HTTP_OK 200

/** 204 No content. */
#define NXT_HTTP_NO_CONTENT 204

/** 300 Multiple choices. */
#define NXT_HTTP_MULTIPLE_CHOICES 300

/** 301 Moved permanently. */
#define NXT_HTTP_MOVED_PERMANENTLY 301

/** 302 Found. */
#define NXT_HTTP_FOUND 302

/** 303 See other. */
#define NXT_HTTP_SEE_OTHER 303

/** 304 Not modified. */
#define NXT_HTTP_NOT_MODIFIED 304

/** 308 Permanent redirect. */
#define NXT_HTTP_PERMANENT_REDIRECT 308

/** 400 Bad request. */
#define NXT_HTTP_BAD_REQUEST 400

/** 403 Forbidden. */
#define NXT_HTTP_FORBIDDEN 403

/** 404 Not found. */
#define NXT_HTTP_NOT_FOUND 404

/** 405 Method not allowed. */
#define NXT_HTTP_METHOD_NOT_ALLOWED 405

/** 406 Not acceptable. */
#define NXT_HTTP_NOT_ACCEPTABLE 406

/** 408 Request timeout. */
#define NXT_HTTP_REQUEST_TIMEOUT 408

/** 411 Length required. */
#define NXT_HTTP_LENGTH_REQUIRED 411

/** 413 Payload too large. */
#define NXT_HTTP_PAYLOAD_TOO_LARGE 413

/** 414 URI too long. */
#define NXT_HTTP_URI_TOO_LONG 414

/** 426 Upgrade required. */
#define NXT_HTTP_UPGRADE_REQUIRED 426

/** 431 Request header fields too large. */
#define NXT_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE 431

/**
 * A plain HTTP request on a TLS listener; internal, answered as 400.
 */
#define NXT_HTTP_TO_HTTPS 497

/** 500 Internal server error. */
#define NXT_HTTP_INTERNAL_SERVER_ERROR 500

/** 501 Not implemented. */
#define NXT_HTTP_NOT_IMPLEMENTED 501

/** 502 Bad gateway. */
#define NXT_HTTP_BAD_GATEWAY 502

/** 503 Service unavailable. */
#define NXT_HTTP_SERVICE_UNAVAILABLE 503

/** 504 Gateway timeout. */
#define NXT_HTTP_GATEWAY_TIMEOUT 504

/** 505 Version not supported. */
#define NXT_HTTP_VERSION_NOT_SUPPORTED 505

/** The greatest status of a server's failure. */
#define NXT_HTTP_SERVER_ERROR_MAX 599

/** The greatest status there is. */
#define NXT_HTTP_STATUS_MAX 999

#endif /* NXT_HTTP_H */
