/* Applications: requests come in, responses go out. */

#ifndef NXT_UNIT_H
#define NXT_UNIT_H

#include <inttypes.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "nxt_auto_config.h"
#include "nxt_version.h"
#include "nxt_unit_typedefs.h"

/** The environment variable that tells a program how it was started. */
#define NXT_UNIT_INIT_ENV "NXT_UNIT_INIT"

/** Success. */
#define NXT_UNIT_OK 0

/** Failure. */
#define NXT_UNIT_ERROR 1

/** Nothing to do now. */
#define NXT_UNIT_AGAIN 2

/** The request was taken back. */
#define NXT_UNIT_CANCELLED 3

/** Log levels. */
#define NXT_UNIT_LOG_ALERT 0

/** See `NXT_UNIT_LOG_ALERT`. */
#define NXT_UNIT_LOG_ERR 1

/** See `NXT_UNIT_LOG_ALERT`. */
#define NXT_UNIT_LOG_WARN 2

/** See `NXT_UNIT_LOG_ALERT`. */
#define NXT_UNIT_LOG_NOTICE 3

/** See `NXT_UNIT_LOG_ALERT`. */
#define NXT_UNIT_LOG_INFO 4

/** See `NXT_UNIT_LOG_ALERT`. */
#define NXT_UNIT_LOG_DEBUG 5

/**
 * The port id of the queue shared by the processes of an application.
 */
#define NXT_UNIT_SHARED_PORT_ID 65535

/** The library's state as the application sees it. */
struct nxt_unit_s {
    /** The application's. */
    void *data;
};

/** A context: what one thread needs to receive and process requests. */
struct nxt_unit_ctx_s {
    /** The application's. */
    void *data;
    /** The library. */
    nxt_unit_t *unit;
};

/** Names a port. */
struct nxt_unit_port_id_s {
    /** The process that reads it. */
    pid_t pid;
    /** MurmurHash2 of pid and id. */
    uint32_t hash;
    /** The port of that process. */
    uint16_t id;
};

/** A port. */
struct nxt_unit_port_s {
    /** Its name. */
    nxt_unit_port_id_t id;
    /** Read end or -1. */
    int in_fd;
    /** Write end or -1. */
    int out_fd;
    /** The application's. */
    void *data;
};

/**
 * A buffer: `start..free` is filled (outgoing) or consumed (incoming), `free..end` is free or left.
 */
struct nxt_unit_buf_s {
    /** First byte. */
    char *start;
    /** The current position. */
    char *free;
    /** Behind the last byte. */
    char *end;
};

/** A request in the hands of the application. */
struct nxt_unit_request_info_s {
    /** The library. */
    nxt_unit_t *unit;
    /** The context that received it. */
    nxt_unit_ctx_t *ctx;
    /** The router's port for the response. */
    nxt_unit_port_t *response_port;
    /** The request head, in shared memory. */
    nxt_unit_request_t *request;
    /** The buffer it lies in. */
    nxt_unit_buf_t *request_buf;
    /** The response head that is being built. */
    nxt_unit_response_t *response;
    /** The buffer it lies in. */
    nxt_unit_buf_t *response_buf;
    /** Fields that fit the response. */
    uint32_t response_max_fields;
    /** The body that has not been read yet. */
    nxt_unit_buf_t *content_buf;
    /** Bytes of it. */
    uint64_t content_length;
    /** A file with the part of the body that is not in buffers, or -1. */
    int content_fd;
    /** `request_data_size` bytes of the application's. */
    void *data;
};

/**
 * What the application does; all but the request handler may be null.
 */
struct nxt_unit_callbacks_s {
    void (*request_handler)(nxt_unit_request_info_t*);
    void (*data_handler)(nxt_unit_request_info_t*);
    void (*websocket_handler)(nxt_unit_websocket_frame_t*);
    void (*close_handler)(nxt_unit_request_info_t*);
    int (*add_port)(nxt_unit_ctx_t*, nxt_unit_port_t*);
    void (*remove_port)(nxt_unit_t*, nxt_unit_ctx_t*, nxt_unit_port_t*);
    void (*remove_pid)(nxt_unit_t*, pid_t);
    void (*quit)(nxt_unit_ctx_t*);
    void (*shm_ack_handler)(nxt_unit_ctx_t*);
    ssize_t (*port_send)(nxt_unit_ctx_t*,
                           nxt_unit_port_t*,
                           const void*,
                           size_t,
                           const void*,
                           size_t);
    ssize_t (*port_recv)(nxt_unit_ctx_t*,
                           nxt_unit_port_t*,
                           void*,
                           size_t,
                           void*,
                           size_t*);
    int (*ready_handler)(nxt_unit_ctx_t*);
};

/** How to start the library. */
struct nxt_unit_init_s {
    /** For `nxt_unit_t.data`. */
    void *data;
    /** For the main context's data. */
    void *ctx_data;
    /** Not used. */
    int max_pending_requests;
    /** Bytes behind each request for the application. */
    uint32_t request_data_size;
    /** Bytes of shared memory. */
    uint32_t shm_limit;
    /** Requests after which the process leaves; 0: no limit. */
    uint32_t request_limit;
    /** What the application does. */
    nxt_unit_callbacks_t callbacks;
    /**
     * Where to say that the process is ready. If its pid, `ready_stream` or `read_port`'s pid is 0,
     * everything below comes from the environment.
     */
    nxt_unit_port_t ready_port;
    /** The RPC stream to say it on. */
    uint32_t ready_stream;
    /** The router. */
    nxt_unit_port_t router_port;
    /** This process. */
    nxt_unit_port_t read_port;
    /** Read end of the application's shared port. */
    int shared_port_fd;
    /** Memory of the application's queue. */
    int shared_queue_fd;
    /** The log. */
    int log_fd;
};

/** Fills the room it is given with a piece of a response's body. */
typedef ssize_t (*nxt_unit_read_func_t)(nxt_unit_read_info_t *info,
    void *to, size_t size);

/** Supplies the body of a response piece by piece. */
struct nxt_unit_read_info_s {
    /** Fills at most the given room; negative on error. */
    ssize_t (*read)(nxt_unit_read_info_t*, void*, size_t);
    /** Set to nonzero at the end. */
    int eof;
    /** The preferred piece. */
    uint32_t buf_size;
    /** The application's. */
    void *data;
};

#ifdef __cplusplus
extern "C" {
#endif

/* Start and end. */

/**
 * Starts the library and says to the daemon that the process is ready. NULL on error.
 *
 * Requires:
 * `init` is null or points at a filled structure; the descriptors it names, or those that the
 * environment names, belong to the library from now on.
 */
nxt_unit_ctx_t *nxt_unit_init(nxt_unit_init_t *init);

/**
 * Gives up the context; the last one ends the library.
 *
 * Requires:
 * `ctx` is null or a context of this library, which the caller does not use after this.
 */
void nxt_unit_done(nxt_unit_ctx_t *ctx);

/**
 * Makes a context for another thread. NULL on error.
 *
 * Requires:
 * `ctx` is null or a context of this library that is not done with.
 */
nxt_unit_ctx_t *nxt_unit_ctx_alloc(nxt_unit_ctx_t *ctx, void *data);

/* Receiving: the library's loop, or a part of it inside the program's own. */

/**
 * Processes messages until the context shall quit.
 *
 * Requires:
 * `ctx` is null or a context of this library that is not done with.
 */
int nxt_unit_run(nxt_unit_ctx_t *ctx);

/**
 * Processes the messages of the context's own port until it shall quit.
 *
 * Requires:
 * `ctx` is null or a context of this library that is not done with.
 */
int nxt_unit_run_ctx(nxt_unit_ctx_t *ctx);

/**
 * Processes requests of the application's shared port as long as the context takes them.
 *
 * Requires:
 * `ctx` is null or a context of this library that is not done with.
 */
int nxt_unit_run_shared(nxt_unit_ctx_t *ctx);

/**
 * Waits for one message and processes it.
 *
 * Requires:
 * `ctx` is null or a context of this library that is not done with.
 */
int nxt_unit_run_once(nxt_unit_ctx_t *ctx);

/**
 * Receives and processes one message of a port that is readable.
 *
 * Requires:
 * `ctx` is null or a context of this library that is not done with.
 */
int nxt_unit_process_port_msg(nxt_unit_ctx_t *ctx, nxt_unit_port_t *port);

/**
 * Takes a request from the application's queue without waiting; NULL if there is none.
 *
 * Requires:
 * `ctx` is null or a context of this library that is not done with.
 */
nxt_unit_request_info_t *nxt_unit_dequeue_request(nxt_unit_ctx_t *ctx);

/**
 * Names a port, with the hash of the name.
 *
 * Requires:
 * `port_id` is null or may be written.
 */
void nxt_unit_port_id_init(nxt_unit_port_id_t *port_id,
                           pid_t pid,
                           uint16_t id);

/* The request. */

/**
 * The hash of a field name, whatever its case.
 *
 * Requires:
 * `name` is null or points at so many readable bytes.
 */
uint16_t nxt_unit_field_hash(const char *name, size_t name_length);

/**
 * Moves the request's fields of the same name together.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
void nxt_unit_request_group_dup_fields(nxt_unit_request_info_t *req);

/**
 * Reads from the request body: how many bytes, negative on error.
 *
 * Requires:
 * `req` is null or a request in the caller's hands; `dst` points at so many writable bytes.
 */
ssize_t nxt_unit_request_read(nxt_unit_request_info_t *req,
                                void *dst,
                                size_t size);

/**
 * How many bytes there are up to and with the next line feed, at most `max_size`; negative on
 * error.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
ssize_t nxt_unit_request_readline_size(nxt_unit_request_info_t *req,
                                         size_t max_size);

/**
 * Whether the client asked for a WebSocket.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
int nxt_unit_request_is_websocket_handshake(nxt_unit_request_info_t *req);

/**
 * The request that these bytes of the application belong to (`nxt_unit_request_info_t.data`).
 *
 * Requires:
 * `data` is null or the `data` of a request.
 */
nxt_unit_request_info_t *nxt_unit_get_request_info_from_data(void *data);

/**
 * Ends the request: completes the response, or reports a failure.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
void nxt_unit_request_done(nxt_unit_request_info_t *req, int rc);

/* The response. */

/**
 * Begins a response, with room for so many fields of so many bytes in all.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
int nxt_unit_response_init(nxt_unit_request_info_t *req,
                           uint16_t status,
                           uint32_t max_fields_count,
                           uint32_t max_fields_size);

/**
 * Makes more room for the fields of a response.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
int nxt_unit_response_realloc(nxt_unit_request_info_t *req,
                              uint32_t max_fields_count,
                              uint32_t max_fields_size);

/**
 * Whether the response is begun.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
int nxt_unit_response_is_init(nxt_unit_request_info_t *req);

/**
 * Adds a field to the response.
 *
 * Requires:
 * `req` is null or a request in the caller's hands; `name` and `value` point at so many
 * readable bytes.
 */
int nxt_unit_response_add_field(nxt_unit_request_info_t *req,
                                const char *name,
                                uint8_t name_length,
                                const char *value,
                                uint32_t value_length);

/**
 * Adds bytes of the body to the response that is not sent yet.
 *
 * Requires:
 * `req` is null or a request in the caller's hands; `src` points at so many readable bytes.
 */
int nxt_unit_response_add_content(nxt_unit_request_info_t *req,
                                  const void *src,
                                  uint32_t size);

/**
 * Sends the response head, with what there is of the body.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
int nxt_unit_response_send(nxt_unit_request_info_t *req);

/**
 * Whether the response head is sent.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
int nxt_unit_response_is_sent(nxt_unit_request_info_t *req);

/**
 * Sends bytes of the body, after the head if that is not sent yet; waits for memory.
 *
 * Requires:
 * `req` is null or a request in the caller's hands; `start` points at so many readable bytes.
 */
int nxt_unit_response_write(nxt_unit_request_info_t *req,
                            const void *start,
                            size_t size);

/**
 * Sends as much of the body as there is memory for, at least `min_size`: how many bytes, negative
 * on error.
 *
 * Requires:
 * `req` is null or a request in the caller's hands; `start` points at so many readable bytes.
 */
ssize_t nxt_unit_response_write_nb(nxt_unit_request_info_t *req,
                                     const void *start,
                                     size_t size,
                                     size_t min_size);

/**
 * Sends a body that a callback supplies.
 *
 * Requires:
 * `req` is null or a request in the caller's hands; `read_info` is null or points at a
 * filled structure.
 */
int nxt_unit_response_write_cb(nxt_unit_request_info_t *req,
                               nxt_unit_read_info_t *read_info);

/* Buffers of shared memory. */

/**
 * A buffer for the body, which goes to the client without being copied. NULL on error.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
nxt_unit_buf_t *nxt_unit_response_buf_alloc(nxt_unit_request_info_t *req,
                                            uint32_t size);

/**
 * Sends the bytes of a buffer, which is freed.
 *
 * Requires:
 * `buf` is null or a buffer of this library that the caller has not sent or freed.
 */
int nxt_unit_buf_send(nxt_unit_buf_t *buf);

/**
 * Frees a buffer.
 *
 * Requires:
 * `buf` is null or a buffer of this library that the caller has not sent or freed.
 */
void nxt_unit_buf_free(nxt_unit_buf_t *buf);

/**
 * The next buffer of the same body; NULL after the last.
 *
 * Requires:
 * `buf` is null or a buffer of this library that the caller has not sent or freed.
 */
nxt_unit_buf_t *nxt_unit_buf_next(nxt_unit_buf_t *buf);

/** The largest buffer, in bytes. */
uint32_t nxt_unit_buf_max(void);

/** What a buffer in shared memory takes at least, in bytes. */
uint32_t nxt_unit_buf_min(void);

/* Websockets. */

/**
 * Makes the response an upgrade to a WebSocket.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
int nxt_unit_response_upgrade(nxt_unit_request_info_t *req);

/**
 * Whether the connection is a WebSocket.
 *
 * Requires:
 * `req` is null or a request in the caller's hands.
 */
int nxt_unit_response_is_websocket(nxt_unit_request_info_t *req);

/**
 * Sends a WebSocket frame.
 *
 * Requires:
 * `req` is null or a request in the caller's hands; `start` points at so many readable bytes.
 */
int nxt_unit_websocket_send(nxt_unit_request_info_t *req,
                            uint8_t opcode,
                            uint8_t last,
                            const void *start,
                            size_t size);

/**
 * Sends a WebSocket frame from several pieces.
 *
 * Requires:
 * `req` is null or a request in the caller's hands; `iov` points at so many pieces of
 * readable bytes.
 */
int nxt_unit_websocket_sendv(nxt_unit_request_info_t *req,
                             uint8_t opcode,
                             uint8_t last,
                             const struct iovec *iov,
                             int iovcnt);

/**
 * Reads payload of a frame, unmasked: how many bytes.
 *
 * Requires:
 * `ws` is null or a frame in the caller's hands; `dst` points at so many writable bytes.
 */
ssize_t nxt_unit_websocket_read(nxt_unit_websocket_frame_t *ws,
                                  void *dst,
                                  size_t size);

/**
 * Makes a frame outlive its handler.
 *
 * Requires:
 * `ws` is null or a frame in the caller's hands.
 */
int nxt_unit_websocket_retain(nxt_unit_websocket_frame_t *ws);

/**
 * Gives a frame back.
 *
 * Requires:
 * `ws` is null or a frame in the caller's hands, which the caller does not use after this.
 */
void nxt_unit_websocket_done(nxt_unit_websocket_frame_t *ws);

/* Memory. */

/**
 * `malloc()`, which logs a failure.
 *
 * Requires:
 * `ctx` is null or a context of this library that is not done with.
 */
void *nxt_unit_malloc(nxt_unit_ctx_t *ctx, size_t size);

/**
 * `free()`.
 *
 * Requires:
 * `p` is null or came from `nxt_unit_malloc()` or another function of the C library's heap.
 */
void nxt_unit_free(nxt_unit_ctx_t *_ctx,
                   void *p);

/* The log, in the format language of printf. */

void nxt_unit_log(nxt_unit_ctx_t *ctx, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void nxt_unit_req_log(nxt_unit_request_info_t *req, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#define nxt_unit_alert(ctx, ...)  \
    nxt_unit_log(ctx, NXT_UNIT_LOG_ALERT, __VA_ARGS__)
#define nxt_unit_error(ctx, ...)  \
    nxt_unit_log(ctx, NXT_UNIT_LOG_ERR, __VA_ARGS__)
#define nxt_unit_warn(ctx, ...)  \
    nxt_unit_log(ctx, NXT_UNIT_LOG_WARN, __VA_ARGS__)

#define nxt_unit_req_alert(req, ...)  \
    nxt_unit_req_log(req, NXT_UNIT_LOG_ALERT, __VA_ARGS__)
#define nxt_unit_req_error(req, ...)  \
    nxt_unit_req_log(req, NXT_UNIT_LOG_ERR, __VA_ARGS__)
#define nxt_unit_req_warn(req, ...)  \
    nxt_unit_req_log(req, NXT_UNIT_LOG_WARN, __VA_ARGS__)

#if (NXT_DEBUG)
#define nxt_unit_debug(ctx, ...)  \
    nxt_unit_log(ctx, NXT_UNIT_LOG_DEBUG, __VA_ARGS__)
#define nxt_unit_req_debug(req, ...)  \
    nxt_unit_req_log(req, NXT_UNIT_LOG_DEBUG, __VA_ARGS__)
#else
#define nxt_unit_debug(ctx, ...)
#define nxt_unit_req_debug(req, ...)
#endif

#endif /* NXT_UNIT_H */
