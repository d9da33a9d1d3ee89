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

@ nxt_unit_init

@ nxt_unit_done

@ nxt_unit_ctx_alloc

/* Receiving: the library's loop, or a part of it inside the program's own. */

@ nxt_unit_run

@ nxt_unit_run_ctx

@ nxt_unit_run_shared

@ nxt_unit_run_once

@ nxt_unit_process_port_msg

@ nxt_unit_dequeue_request

@ nxt_unit_port_id_init

/* The request. */

@ nxt_unit_field_hash

@ nxt_unit_request_group_dup_fields

@ nxt_unit_request_read

@ nxt_unit_request_readline_size

@ nxt_unit_request_is_websocket_handshake

@ nxt_unit_get_request_info_from_data

@ nxt_unit_request_done

/* The response. */

@ nxt_unit_response_init

@ nxt_unit_response_realloc

@ nxt_unit_response_is_init

@ nxt_unit_response_add_field

@ nxt_unit_response_add_content

@ nxt_unit_response_send

@ nxt_unit_response_is_sent

@ nxt_unit_response_write

@ nxt_unit_response_write_nb

@ nxt_unit_response_write_cb

/* Buffers of shared memory. */

@ nxt_unit_response_buf_alloc

@ nxt_unit_buf_send

@ nxt_unit_buf_free

@ nxt_unit_buf_next

@ nxt_unit_buf_max

@ nxt_unit_buf_min

/* Websockets. */

@ nxt_unit_response_upgrade

@ nxt_unit_response_is_websocket

@ nxt_unit_websocket_send

@ nxt_unit_websocket_sendv

@ nxt_unit_websocket_read

@ nxt_unit_websocket_retain

@ nxt_unit_websocket_done

/* Memory. */

@ nxt_unit_malloc

@ nxt_unit_free

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
