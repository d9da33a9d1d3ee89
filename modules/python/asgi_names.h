/*
 * asgi_names.h: the strings of the ASGI protocol and of asyncio, as objects
 * named nxtpy_str_NAME.
 */

#ifndef NXTPY_ASGI_NAMES_H
#define NXTPY_ASGI_NAMES_H

#define NXTPY_ASGI_NAMES(X)                                                   \
    X(add_done_callback,         "add_done_callback")                         \
    X(asgi,                      "asgi")                                      \
    X(body,                      "body")                                      \
    X(bytes,                     "bytes")                                     \
    X(cancel,                    "cancel")                                    \
    X(client,                    "client")                                    \
    X(code,                      "code")                                      \
    X(done,                      "done")                                      \
    X(headers,                   "headers")                                   \
    X(http,                      "http")                                      \
    X(http_disconnect,           "http.disconnect")                           \
    X(http_request,              "http.request")                              \
    X(http_response_body,        "http.response.body")                        \
    X(http_response_start,       "http.response.start")                       \
    X(http_version,              "http_version")                              \
    X(https,                     "https")                                     \
    X(lifespan,                  "lifespan")                                  \
    X(lifespan_shutdown,         "lifespan.shutdown")                         \
    X(lifespan_startup,          "lifespan.startup")                          \
    X(message,                   "message")                                   \
    X(method,                    "method")                                    \
    X(more_body,                 "more_body")                                 \
    X(path,                      "path")                                      \
    X(query_string,              "query_string")                              \
    X(raw_path,                  "raw_path")                                  \
    X(reason,                    "reason")                                    \
    X(result,                    "result")                                    \
    X(root_path,                 "root_path")                                 \
    X(scheme,                    "scheme")                                    \
    X(server,                    "server")                                    \
    X(set_exception,             "set_exception")                             \
    X(set_result,                "set_result")                                \
    X(shutdown_complete,         "lifespan.shutdown.complete")                \
    X(shutdown_failed,           "lifespan.shutdown.failed")                  \
    X(spec_version,              "spec_version")                              \
    X(startup_complete,          "lifespan.startup.complete")                 \
    X(startup_failed,            "lifespan.startup.failed")                   \
    X(state,                     "state")                                     \
    X(status,                    "status")                                    \
    X(subprotocol,               "subprotocol")                               \
    X(subprotocols,              "subprotocols")                              \
    X(text,                      "text")                                      \
    X(type,                      "type")                                      \
    X(v1_0,                      "1.0")                                       \
    X(v1_1,                      "1.1")                                       \
    X(v2_0,                      "2.0")                                       \
    X(v2_1,                      "2.1")                                       \
    X(v3_0,                      "3.0")                                       \
    X(version,                   "version")                                   \
    X(websocket,                 "websocket")                                 \
    X(websocket_accept,          "websocket.accept")                          \
    X(websocket_close,           "websocket.close")                           \
    X(websocket_connect,         "websocket.connect")                         \
    X(websocket_disconnect,      "websocket.disconnect")                      \
    X(websocket_receive,         "websocket.receive")                         \
    X(websocket_send,            "websocket.send")                            \
    X(ws,                        "ws")                                        \
    X(wss,                       "wss")

#define NXTPY_DECLARE_NAME(name, text)  extern PyObject  *nxtpy_str_##name;

NXTPY_ASGI_NAMES(NXTPY_DECLARE_NAME)

int nxtpy_asgi_names_init(void);

#endif  /* NXTPY_ASGI_NAMES_H */
