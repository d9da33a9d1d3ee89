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

@ NXT_UNIT_OK

@ NXT_UNIT_ERROR

@ NXT_UNIT_AGAIN

@ NXT_UNIT_CANCELLED

@ NXT_UNIT_LOG_ALERT

@ NXT_UNIT_LOG_ERR

@ NXT_UNIT_LOG_WARN

@ NXT_UNIT_LOG_NOTICE

@ NXT_UNIT_LOG_INFO

@ NXT_UNIT_LOG_DEBUG

@ NXT_UNIT_SHARED_PORT_ID

@ struct nxt_unit_t

@ struct nxt_unit_ctx_t

@ struct nxt_unit_port_id_t

@ struct nxt_unit_port_t

@ struct nxt_unit_buf_t

@ struct nxt_unit_request_info_t

@ struct nxt_unit_callbacks_t

@ struct nxt_unit_init_t

/** Fills the room it is given with a piece of a response's body. */
typedef ssize_t (*nxt_unit_read_func_t)(nxt_unit_read_info_t *info,
    void *to, size_t size);

@ struct nxt_unit_read_info_t

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
