/* Integers, and the names of the structures. */

#ifndef NXT_TYPES_H
#define NXT_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NXT_64BIT  1
#define NXT_32BIT  0

#define NXT_INT_T_SIZE  4
#define NXT_INT_T_MAX  2147483647
#define NXT_INT_T_LEN  11
#define NXT_INT_T_HEXLEN  8
#define NXT_INT32_T_MAX  2147483647
#define NXT_INT32_T_LEN  11
#define NXT_INT32_T_HEXLEN  8
#define NXT_INT64_T_MAX  9223372036854775807LL
#define NXT_INT64_T_LEN  20
#define NXT_INT64_T_HEXLEN  16
#define NXT_SIZE_T_MAX  NXT_INT64_T_MAX
#define NXT_SIZE_T_LEN  NXT_INT64_T_LEN
#define NXT_SIZE_T_HEXLEN  NXT_INT64_T_HEXLEN
#define NXT_OFF_T_MAX  NXT_INT64_T_MAX
#define NXT_OFF_T_LEN  NXT_INT64_T_LEN
#define NXT_OFF_T_HEXLEN  NXT_INT64_T_HEXLEN
#define NXT_TIME_T_MAX  NXT_INT64_T_MAX
#define NXT_TIME_T_LEN  NXT_INT64_T_LEN
#define NXT_TIME_T_HEXLEN  NXT_INT64_T_HEXLEN
#define NXT_ATOMIC_T_MAX  NXT_INT64_T_MAX
#define NXT_ATOMIC_T_LEN  NXT_INT64_T_LEN
#define NXT_ATOMIC_T_HEXLEN  NXT_INT64_T_HEXLEN

@ nxt_int_t

@ nxt_uint_t

@ nxt_bool_t

@ nxt_off_t

@ nxt_time_t

@ nxt_msec_t

@ nxt_nsec_t

@ nxt_atomic_uint_t

@ nxt_pid_t

@ nxt_tid_t

@ nxt_uid_t

@ nxt_gid_t

typedef uint64_t nxt_uoff_t;
typedef int32_t nxt_msec_int_t;
typedef int64_t nxt_nsec_int_t;
@ nxt_atomic_int_t

typedef volatile nxt_atomic_uint_t nxt_atomic_t;

typedef struct nxt_thread_s nxt_thread_t;
typedef struct nxt_task_s nxt_task_t;
typedef struct nxt_work_s nxt_work_t;
typedef struct nxt_log_s nxt_log_t;
typedef struct nxt_mp_s nxt_mp_t;
typedef struct nxt_port_s nxt_port_t;
typedef struct nxt_port_mmap_s nxt_port_mmap_t;
typedef struct nxt_port_handlers_s nxt_port_handlers_t;
typedef struct nxt_port_recv_msg_s nxt_port_recv_msg_t;
typedef struct nxt_sig_event_s nxt_sig_event_t;
typedef struct nxt_fd_event_s nxt_fd_event_t;
typedef struct nxt_process_s nxt_process_t;
typedef struct nxt_runtime_s nxt_runtime_t;
typedef struct nxt_common_app_conf_s nxt_common_app_conf_t;
typedef struct nxt_app_module_s nxt_app_module_t;
typedef struct nxt_conf_value_s nxt_conf_value_t;
typedef struct nxt_conf_op_s nxt_conf_op_t;
typedef struct nxt_tstr_state_s nxt_tstr_state_t;
typedef struct nxt_thread_pool_s nxt_thread_pool_t;
typedef struct nxt_event_engine_s nxt_event_engine_t;
typedef struct nxt_work_queue_s nxt_work_queue_t;
typedef struct nxt_tls_lib_s nxt_tls_lib_t;
typedef struct nxt_sockaddr_s nxt_sockaddr_t;
typedef struct nxt_listen_socket_s nxt_listen_socket_t;
typedef struct nxt_buf_s nxt_buf_t;
typedef struct nxt_http_request_parse_s nxt_http_request_parse_t;
typedef struct nxt_http_field_s nxt_http_field_t;
typedef union nxt_process_data_u nxt_process_data_t;

@ nxt_work_handler_t

@ nxt_port_id_t

@ nxt_port_handler_t

#endif /* NXT_TYPES_H */
