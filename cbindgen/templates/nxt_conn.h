/* Connections, and the events that accept them. */

#ifndef NXT_CONN_H
#define NXT_CONN_H

typedef struct nxt_conn_s nxt_conn_t;
typedef struct nxt_listen_event_s nxt_listen_event_t;
typedef struct nxt_event_write_rate_s nxt_event_write_rate_t;

@ nxt_conn_io_read_t

@ nxt_conn_timer_value_t

@ nxt_conn_state_t

@ NXT_CONN_SENDFILE_OFF

@ NXT_CONN_SENDFILE_ON

@ NXT_CONN_SENDFILE_UNSET

@ struct nxt_conn_t

@ struct nxt_listen_event_t

/** The connection of a timer. */
#define nxt_read_timer_conn(timer)  \
    nxt_timer_data(timer, nxt_conn_t, read_timer)
#define nxt_write_timer_conn(timer)  \
    nxt_timer_data(timer, nxt_conn_t, write_timer)

/** A connection waits for its client, or has something to do. */
#define nxt_conn_idle(engine, c)                                              \
    do {                                                                      \
        nxt_queue_insert_head(&(engine)->idle_connections, &(c)->link);       \
        (engine)->idle_conns_cnt++;                                           \
        (c)->idle = 1;                                                        \
    } while (0)

#define nxt_conn_active(engine, c)                                            \
    do {                                                                      \
        nxt_queue_remove(&(c)->link);                                         \
        (engine)->idle_conns_cnt -= (c)->idle;                                \
        (c)->idle = 0;                                                        \
    } while (0)

@ nxt_conn_create

@ nxt_conn_free

@ nxt_conn_accept

@ nxt_conn_accept_error

@ nxt_conn_io_accept

@ nxt_listen_event

#endif /* NXT_CONN_H */
