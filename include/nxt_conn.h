/* Connections, and the events that accept them. */

#ifndef NXT_CONN_H
#define NXT_CONN_H

typedef struct nxt_conn_s nxt_conn_t;
typedef struct nxt_listen_event_s nxt_listen_event_t;
typedef struct nxt_event_write_rate_s nxt_event_write_rate_t;

/** Reads from a connection. */
typedef ssize_t (*nxt_conn_io_read_t)(nxt_task_t *task, nxt_conn_t *c);

/** How long a connection may take, in milliseconds. */
typedef nxt_msec_t (*nxt_conn_timer_value_t)(nxt_conn_t *c, size_t data);

/** What is done with a connection while it reads or writes. */
typedef struct nxt_conn_state_s {
    /** It is done. */
    nxt_work_handler_t ready_handler;
    /** The other side has closed, or this side wants to. */
    nxt_work_handler_t close_handler;
    /** It failed. */
    nxt_work_handler_t error_handler;
    /** What reads. */
    nxt_conn_io_read_t io_read_handler;
    /** It took too long. */
    nxt_work_handler_t timer_handler;
    /** How long it may take. */
    nxt_conn_timer_value_t timer_value;
    /** The argument of that. */
    size_t timer_data;
    /** Whether the time starts anew with each byte. */
    uint8_t timer_autoreset;
} nxt_conn_state_t;

/** `sendfile`: files are copied. */
#define NXT_CONN_SENDFILE_OFF 0

/** `sendfile`: the kernel sends files. */
#define NXT_CONN_SENDFILE_ON 1

/** `sendfile`: nothing is said. */
#define NXT_CONN_SENDFILE_UNSET 3

/** A connection. */
struct nxt_conn_s {
    /** Its socket. The member has to be the first. */
    nxt_fd_event_t socket;
    /** What is read into. */
    nxt_buf_t *read;
    /** What is done with what was read. */
    const nxt_conn_state_t *read_state;
    /** Where readers are put. */
    nxt_work_queue_t *read_work_queue;
    /** The time for reading. */
    nxt_timer_t read_timer;
    /** What is written. */
    nxt_buf_t *write;
    /** What is done when it was. */
    const nxt_conn_state_t *write_state;
    /** Where writers are put. */
    nxt_work_queue_t *write_work_queue;
    /** How fast is written. */
    nxt_event_write_rate_t *rate;
    /** The time for writing. */
    nxt_timer_t write_timer;
    /** How many bytes were written. */
    nxt_off_t sent;
    /** How many bytes are written at once. */
    uint32_t max_chunk;
    /** How many bytes were read or written last. */
    uint32_t nbytes;
    /** How it reads and writes. */
    nxt_conn_io_t *io;
    /** What encrypts it, or the pool of threads that it uses. */
    union {
        void *tls;
        nxt_thread_pool_t *thread_pool;
    } u;
    /** Its pool. */
    nxt_mp_t *mem_pool;
    /** Its task. */
    nxt_task_t task;
    /** Its log. */
    nxt_log_t log;
    /** Where it was accepted. */
    nxt_listen_event_t *listen;
    /** The other side's address. */
    nxt_sockaddr_t *remote;
    /** This side's. */
    nxt_sockaddr_t *local;
    /** What it does, for the log; ended by a NUL. */
    const char *action;
    /** Whether reading waits. */
    uint8_t block_read;
    /** Whether writing waits. */
    uint8_t block_write;
    /** Whether writing is put off. */
    uint8_t delayed;
    /** Whether it is among the idle connections of its engine. */
    uint8_t idle;
    /** `NXT_CONN_SENDFILE_*`. */
    uint8_t sendfile;
    /** Whether small pieces are sent at once. */
    uint8_t tcp_nodelay;
    /** Its link among the idle connections. */
    nxt_queue_link_t link;
};

/** A listening socket that an engine watches. */
struct nxt_listen_event_s {
    /** The socket. The member has to be the first. */
    nxt_fd_event_t socket;
    /** The task of its handlers. */
    nxt_task_t task;
    /** How many connections are still accepted in this turn. */
    uint32_t ready;
    /** How many in one turn. */
    uint32_t batch;
    /** How many use it: its connections, and itself. */
    uint32_t count;
    /** What accepts. */
    nxt_work_handler_t accept;
    /** What it listens for. */
    nxt_listen_socket_t *listen;
    /** A connection that waits for a client. */
    nxt_conn_t *next;
    /** Where new connections are put. */
    nxt_work_queue_t *work_queue;
    /** Runs while no more connections are accepted. */
    nxt_timer_t timer;
    /** Its link among those of the engine. */
    nxt_queue_link_t link;
};

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

/**
 * A connection without a socket, counted in the engine of the calling thread. NULL when there is no
 * memory.
 *
 * Requires:
 * `mp` is NULL or a pool, `task` is NULL or valid with the engine of its thread.
 */
nxt_conn_t *nxt_conn_create(nxt_mp_t *mp,
                            nxt_task_t *task);

/**
 * Gives up a connection, and its hold on its pool. Its socket was closed, and nothing waits for it.
 *
 * Requires:
 * `task` is NULL or valid with the engine of its thread; `c` is NULL or a connection of it, in no list.
 */
void nxt_conn_free(nxt_task_t *task,
                   nxt_conn_t *c);

/**
 * Gives a connection with its socket to the handler of the listening socket. It is among the idle ones
 * of the engine then.
 *
 * Requires:
 * `task` is NULL or valid with the engine of its thread, `lev` is NULL or a listening event of it, `c`
 * is NULL or a connection of it in no list.
 */
void nxt_conn_accept(nxt_task_t *task,
                     nxt_listen_event_t *lev,
                     nxt_conn_t *c);

/**
 * What is done when accept(2) has failed with `err`: if descriptors or memory lack, no connections are
 * accepted for a moment, and some that are idle are closed.
 *
 * Requires:
 * `task` is NULL or valid with the engine of its thread, `lev` is NULL or a listening event of it;
 * `accept_syscall` is NULL or ends with a NUL.
 */
void nxt_conn_accept_error(nxt_task_t *task,
                           nxt_listen_event_t *lev,
                           const char *accept_syscall,
                           nxt_err_t err);

/**
 * Accepts one connection at the listening event `obj`, and has the next one accepted while it is its
 * turn.
 *
 * Requires:
 * `task` is NULL or valid with the engine of its thread; `obj` is NULL or a listening event of it.
 */
void nxt_conn_io_accept(nxt_task_t *task,
                        void *obj,
                        void *data);

/**
 * Has the engine of the calling thread accept what comes in at a listening socket. NULL when there is
 * no memory. The event lives as long as the program; `nxt_process_quit` closes its socket.
 *
 * Requires:
 * `task` is NULL or valid with the engine of its thread; `ls` is NULL, or valid as long as it listens.
 */
nxt_listen_event_t *nxt_listen_event(nxt_task_t *task,
                                     nxt_listen_socket_t *ls);

#endif /* NXT_CONN_H */
