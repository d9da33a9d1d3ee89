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

nxt_unit_ctx_t *nxt_unit_init(nxt_unit_init_t *init);

void nxt_unit_done(nxt_unit_ctx_t *ctx);

nxt_unit_ctx_t *nxt_unit_ctx_alloc(nxt_unit_ctx_t *ctx, void *data);

/* Receiving: the library's loop, or a part of it inside the program's own. */

int nxt_unit_run(nxt_unit_ctx_t *ctx);

int nxt_unit_run_ctx(nxt_unit_ctx_t *ctx);

int nxt_unit_run_shared(nxt_unit_ctx_t *ctx);

int nxt_unit_run_once(nxt_unit_ctx_t *ctx);

int nxt_unit_process_port_msg(nxt_unit_ctx_t *ctx, nxt_unit_port_t *port);

nxt_unit_request_info_t *nxt_unit_dequeue_request(nxt_unit_ctx_t *ctx);

void nxt_unit_port_id_init(nxt_unit_port_id_t *port_id, pid_t pid, uint16_t id);

/* The request. */

uint16_t nxt_unit_field_hash(const char *name, size_t name_length);

void nxt_unit_request_group_dup_fields(nxt_unit_request_info_t *req);

ssize_t nxt_unit_request_read(nxt_unit_request_info_t *req, void *dst, size_t size);

ssize_t nxt_unit_request_readline_size(nxt_unit_request_info_t *req, size_t max_size);

int nxt_unit_request_is_websocket_handshake(nxt_unit_request_info_t *req);

nxt_unit_request_info_t *nxt_unit_get_request_info_from_data(void *data);

void nxt_unit_request_done(nxt_unit_request_info_t *req, int rc);

/* The response. */

int nxt_unit_response_init(nxt_unit_request_info_t *req, uint16_t status, uint32_t max_fields_count, uint32_t max_fields_size);

int nxt_unit_response_realloc(nxt_unit_request_info_t *req, uint32_t max_fields_count, uint32_t max_fields_size);

int nxt_unit_response_is_init(nxt_unit_request_info_t *req);

int nxt_unit_response_add_field(nxt_unit_request_info_t *req, const char *name, uint8_t name_length, const char *value, uint32_t value_length);

int nxt_unit_response_add_content(nxt_unit_request_info_t *req, const void *src, uint32_t size);

int nxt_unit_response_send(nxt_unit_request_info_t *req);

int nxt_unit_response_is_sent(nxt_unit_request_info_t *req);

int nxt_unit_response_write(nxt_unit_request_info_t *req, const void *start, size_t size);

ssize_t nxt_unit_response_write_nb(nxt_unit_request_info_t *req, const void *start, size_t size, size_t min_size);

int nxt_unit_response_write_cb(nxt_unit_request_info_t *req, nxt_unit_read_info_t *read_info);

/* Buffers of shared memory. */

nxt_unit_buf_t *nxt_unit_response_buf_alloc(nxt_unit_request_info_t *req, uint32_t size);

int nxt_unit_buf_send(nxt_unit_buf_t *buf);

void nxt_unit_buf_free(nxt_unit_buf_t *buf);

nxt_unit_buf_t *nxt_unit_buf_next(nxt_unit_buf_t *buf);

uint32_t nxt_unit_buf_max(void);

uint32_t nxt_unit_buf_min(void);

/* Websockets. */

int nxt_unit_response_upgrade(nxt_unit_request_info_t *req);

int nxt_unit_response_is_websocket(nxt_unit_request_info_t *req);

int nxt_unit_websocket_send(nxt_unit_request_info_t *req, uint8_t opcode, uint8_t last, const void *start, size_t size);

int nxt_unit_websocket_sendv(nxt_unit_request_info_t *req, uint8_t opcode, uint8_t last, const struct iovec *iov, int iovcnt);

ssize_t nxt_unit_websocket_read(nxt_unit_websocket_frame_t *ws, void *dst, size_t size);

int nxt_unit_websocket_retain(nxt_unit_websocket_frame_t *ws);

void nxt_unit_websocket_done(nxt_unit_websocket_frame_t *ws);

/* Memory. */

void *nxt_unit_malloc(nxt_unit_ctx_t *ctx, size_t size);

void nxt_unit_free(nxt_unit_ctx_t *ctx, void *p);

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
