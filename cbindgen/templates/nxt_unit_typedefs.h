/* The names of the library's types. */

#ifndef NXT_UNIT_TYPEDEFS_H
#define NXT_UNIT_TYPEDEFS_H

/* The library: how it is started, its contexts, and the ports they use. */
typedef struct nxt_unit_s nxt_unit_t;
typedef struct nxt_unit_init_s nxt_unit_init_t;
typedef struct nxt_unit_callbacks_s nxt_unit_callbacks_t;
typedef struct nxt_unit_ctx_s nxt_unit_ctx_t;
typedef struct nxt_unit_port_s nxt_unit_port_t;
typedef struct nxt_unit_port_id_s nxt_unit_port_id_t;

/* A request and its answer, as callbacks see them. */
typedef struct nxt_unit_request_info_s nxt_unit_request_info_t;
typedef struct nxt_unit_read_info_s nxt_unit_read_info_t;
typedef struct nxt_unit_buf_s nxt_unit_buf_t;
typedef struct nxt_unit_websocket_frame_s nxt_unit_websocket_frame_t;

/* The same in the memory that is shared with the router. */
typedef struct nxt_unit_request_s nxt_unit_request_t;
typedef struct nxt_unit_response_s nxt_unit_response_t;
typedef struct nxt_unit_field_s nxt_unit_field_t;
typedef union nxt_unit_sptr_u nxt_unit_sptr_t;

#endif /* NXT_UNIT_TYPEDEFS_H */
