/* Engines: the loop that a program of the library runs in. */

#ifndef NXT_EVENT_ENGINE_H
#define NXT_EVENT_ENGINE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <nxt_fd_event.h>
#include <nxt_signal.h>

#define NXT_FILE_EVENTS  1
#define NXT_NO_FILE_EVENTS  0

#define NXT_SIGNAL_EVENTS  1
#define NXT_NO_SIGNAL_EVENTS  0

typedef struct nxt_conn_io_s nxt_conn_io_t;
typedef struct nxt_fiber_main_s nxt_fiber_main_t;

/** A file that an engine watches; no interface of this system does. */
typedef struct nxt_file_event_s {
    /** The handler's third argument. */
    void *data;
    /** The file. */
    nxt_file_t *file;
    /** What is done when it changes. */
    nxt_work_handler_t handler;
    /** The handler's task. */
    nxt_task_t *task;
} nxt_file_event_t;

/** Changes what is waited for at a descriptor. */
typedef void (*nxt_fd_event_change_t)(nxt_event_engine_t *engine,
                                      nxt_fd_event_t *ev);

/** Changes what is waited for at a file. */
typedef void (*nxt_file_event_change_t)(nxt_event_engine_t *engine,
                                        nxt_file_event_t *ev);

/** A way to learn from the kernel what happened. */
typedef struct nxt_event_interface_s {
    /** Its name. */
    const char *name;
    /** Prepares an engine. */
    nxt_int_t (*create)(nxt_event_engine_t *engine,
                        nxt_uint_t mchanges,
                        nxt_uint_t mevents);
    /** Frees what `create` has made. */
    void (*free)(nxt_event_engine_t *engine);
    /** Waits for both directions. */
    nxt_fd_event_change_t enable;
    /** Waits for none. */
    nxt_fd_event_change_t disable;
    /** Forgets a descriptor. */
    nxt_fd_event_change_t delete;
    /**
     * Forgets a descriptor that is going to be closed; whether a change was pending.
     */
    nxt_bool_t (*close)(nxt_event_engine_t *engine, nxt_fd_event_t *ev);
    /** Waits for reading. */
    nxt_fd_event_change_t enable_read;
    /** Waits for writing. */
    nxt_fd_event_change_t enable_write;
    /** Does not wait for reading any more. */
    nxt_fd_event_change_t disable_read;
    /** Does not wait for writing any more. */
    nxt_fd_event_change_t disable_write;
    /** Only notes that reading is possible. */
    nxt_fd_event_change_t block_read;
    /** Only notes that writing is possible. */
    nxt_fd_event_change_t block_write;
    /** Waits for reading once. */
    nxt_fd_event_change_t oneshot_read;
    /** Waits for writing once. */
    nxt_fd_event_change_t oneshot_write;
    /** Waits for connections at a listening socket. */
    nxt_fd_event_change_t enable_accept;
    /** Watches a file. */
    nxt_file_event_change_t enable_file;
    /** Watches a file no more. */
    nxt_file_event_change_t close_file;
    /** Says what is done when another thread wakes the engine. */
    nxt_int_t (*enable_post)(nxt_event_engine_t *engine,
                             nxt_work_handler_t handler);
    /** Wakes the engine. */
    void (*signal)(nxt_event_engine_t *engine, nxt_uint_t signo);
    /** Waits until something happens. */
    void (*poll)(nxt_event_engine_t *engine, nxt_msec_t timeout);
    /** Operations on connections. */
    nxt_conn_io_t *io;
    /** Whether files can be watched. */
    uint8_t file_support;
    /** Whether signals come as events. */
    uint8_t signal_support;
} nxt_event_interface_t;

/*
 * What the interfaces of Unit keep in an engine, which gives it its size.
 * Those of this library keep a pointer there.
 */

typedef struct {
    int nfds;
    uint32_t update_nfds;
    nxt_fd_event_t **events;
    fd_set main_read_fd_set, main_write_fd_set;
    fd_set work_read_fd_set, work_write_fd_set;
} nxt_select_engine_t;

/** A change of what poll() is told: add, replace or remove. */
typedef struct {
    uint8_t op;
    short events;
    nxt_fd_event_t *event;
} nxt_poll_change_t;

/** The descriptors by number are in the hash. */
typedef struct {
    nxt_uint_t max_nfds, nfds;
    nxt_uint_t nchanges, mchanges;
    nxt_poll_change_t *changes;
    struct pollfd *set;
    nxt_lvlhsh_t fd_hash;
} nxt_poll_engine_t;

/** The arguments of epoll_ctl() for a change. */
typedef struct {
    int op;
    struct epoll_event event;
} nxt_epoll_change_t;

/** With `mode`, which is EPOLLET or 0, and the engine's own descriptors. */
typedef struct {
    int fd;
    uint32_t mode;
    nxt_uint_t nchanges, mchanges;
    int mevents;
    uint8_t error;
    nxt_epoll_change_t *changes;
    struct epoll_event *events;
    nxt_work_handler_t post_handler;
    nxt_fd_event_t eventfd;
    uint32_t neventfd;
    nxt_fd_event_t signalfd;
} nxt_epoll_engine_t;

/** A pipe that wakes an engine. */
typedef struct nxt_event_engine_pipe_s {
    /** Its ends. */
    nxt_fd_t fds[2];
    /** The read end. */
    nxt_fd_event_t event;
} nxt_event_engine_pipe_t;

/**
 * An engine. The memory of its interface (`u`) is the interface's own.
 */
struct nxt_event_engine_s {
    /** The engine's task. */
    nxt_task_t task;
    /** The interface's own. */
    union {
        nxt_poll_engine_t poll;
        nxt_select_engine_t select;
        nxt_epoll_engine_t epoll;
    } u;
    /** Timers. */
    nxt_timers_t timers;
    /** Memory for works. */
    nxt_work_queue_cache_t work_queue_cache;
    /** The queue whose works are done now. */
    nxt_work_queue_t *current_work_queue;
    /** What comes first. */
    nxt_work_queue_t fast_work_queue;
    /** Connections to accept. */
    nxt_work_queue_t accept_work_queue;
    /** Connections to read. */
    nxt_work_queue_t read_work_queue;
    /** Sockets to make. */
    nxt_work_queue_t socket_work_queue;
    /** Connections to make. */
    nxt_work_queue_t connect_work_queue;
    /** Connections to write. */
    nxt_work_queue_t write_work_queue;
    /** Connections to shut down. */
    nxt_work_queue_t shutdown_work_queue;
    /** What comes last. */
    nxt_work_queue_t close_work_queue;
    /** What other threads have posted. */
    nxt_locked_work_queue_t locked_work_queue;
    /** The interface. */
    nxt_event_interface_t event;
    /** Wakes an engine whose interface cannot be woken. */
    nxt_event_engine_pipe_t *pipe;
    /** Signals. */
    nxt_event_signals_t *signals;
    /** Fibers. */
    nxt_fiber_main_t *fibers;
    /** Its number; the main engine has 0. */
    uint32_t id;
    /** Whether the runtime is being stopped. */
    uint8_t shutdown;
    /** How many events it takes at once. */
    uint32_t batch;
    /** Connections. */
    uint32_t connections;
    /** How many there may be. */
    uint32_t max_connections;
    /** Its port. */
    nxt_port_t *port;
    /** Its pool. */
    nxt_mp_t *mem_pool;
    /** Configurations in use. */
    nxt_queue_t joints;
    /** Listening sockets. */
    nxt_queue_t listen_connections;
    /** Connections that wait for a request. */
    nxt_queue_t idle_connections;
    /** Memory that was given back. */
    nxt_array_t *mem_cache;
    /** Connections accepted. */
    nxt_atomic_uint_t accepted_conns_cnt;
    /** Connections that wait for a request. */
    nxt_atomic_uint_t idle_conns_cnt;
    /** Connections closed. */
    nxt_atomic_uint_t closed_conns_cnt;
    /** Requests. */
    nxt_atomic_uint_t requests_cnt;
    /** Its link among the runtime's engines. */
    nxt_queue_link_t link;
    /** Its link among the router's engines. */
    nxt_queue_link_t link0;
};

/** The interfaces: told once, and told until it changes. */
extern const nxt_event_interface_t nxt_epoll_edge_engine;
extern const nxt_event_interface_t nxt_epoll_level_engine;

/** Calls an operation of the engine's interface on `ev`. */
#define NXT_FD_EVENT_CALL(engine, operation, ev)  \
    ((engine)->event.operation((engine), (ev)))

#define nxt_fd_event_enable_accept(engine, ev)  \
    NXT_FD_EVENT_CALL(engine, enable_accept, ev)
#define nxt_fd_event_enable_read(engine, ev)  \
    NXT_FD_EVENT_CALL(engine, enable_read, ev)
#define nxt_fd_event_oneshot_read(engine, ev)  \
    NXT_FD_EVENT_CALL(engine, oneshot_read, ev)
#define nxt_fd_event_disable_read(engine, ev)  \
    NXT_FD_EVENT_CALL(engine, disable_read, ev)

#define nxt_fd_event_enable_write(engine, ev)  \
    NXT_FD_EVENT_CALL(engine, enable_write, ev)
#define nxt_fd_event_oneshot_write(engine, ev)  \
    NXT_FD_EVENT_CALL(engine, oneshot_write, ev)
#define nxt_fd_event_disable_write(engine, ev)  \
    NXT_FD_EVENT_CALL(engine, disable_write, ev)

#define nxt_fd_event_disable(engine, ev)  \
    NXT_FD_EVENT_CALL(engine, disable, ev)
#define nxt_fd_event_delete(engine, ev)  NXT_FD_EVENT_CALL(engine, delete, ev)
#define nxt_fd_event_close(engine, ev)  NXT_FD_EVENT_CALL(engine, close, ev)

/** Only what is waited for can be blocked. */
#define nxt_fd_event_block_read(engine, ev)  \
    (nxt_fd_event_is_active((ev)->read)  \
     ? NXT_FD_EVENT_CALL(engine, block_read, ev) : (void) 0)
#define nxt_fd_event_block_write(engine, ev)  \
    (nxt_fd_event_is_active((ev)->write)  \
     ? NXT_FD_EVENT_CALL(engine, block_write, ev) : (void) 0)

#define NXT_ENGINE_FIBERS  1

/**
 * Makes an engine for the calling thread, with the signals of an array that ends with 0. NULL when
 * there is no memory, or the kernel refuses.
 *
 * Requires:
 * `task` is NULL or valid, `interface` too; `signals` is NULL or such an array, and stays.
 */
nxt_event_engine_t *nxt_event_engine_create(nxt_task_t *task,
                                            const nxt_event_interface_t *interface,
                                            const nxt_sig_event_t *signals,
                                            nxt_uint_t flags,
                                            nxt_uint_t batch);

/**
 * Takes another interface, or the same one anew, as a process must after a fork.
 *
 * Requires:
 * `engine` is NULL or an engine, `interface` is NULL or valid.
 */
nxt_int_t nxt_event_engine_change(nxt_event_engine_t *engine,
                                  const nxt_event_interface_t *interface,
                                  nxt_uint_t batch);

/**
 * Frees an engine that does not run.
 *
 * Requires:
 * `engine` is NULL or an engine that nobody uses afterwards.
 */
void nxt_event_engine_free(nxt_event_engine_t *engine);

/**
 * Runs an engine for ever, on the thread that has made it.
 */
NXT_EXPORT void nxt_event_engine_start(nxt_event_engine_t *engine);

/**
 * Gives an engine work from any thread. The work is the engine's until it is done.
 *
 * Requires:
 * `engine` is NULL or an engine; `work` is NULL or valid with a task of its own.
 */
void nxt_event_engine_post(nxt_event_engine_t *engine,
                           nxt_work_t *work);

/**
 * Wakes an engine from any thread or from a signal handler.
 *
 * Requires:
 * `engine` is NULL or an engine.
 */
void nxt_event_engine_signal(nxt_event_engine_t *engine, nxt_uint_t signo);

/** A piece of engine memory of no known size class. */
#define NXT_EVENT_ENGINE_NO_MEM_HINT 255

/**
 * A piece of memory; `hint` is set to the class of its size. NULL when there is none.
 *
 * Requires:
 * `engine` is NULL or an engine of the calling thread with a pool, `hint` is NULL or valid.
 */
void *nxt_event_engine_mem_alloc(nxt_event_engine_t *engine,
                                 uint8_t *hint,
                                 size_t size);

/**
 * Gives a piece back.
 *
 * Requires:
 * `engine` is NULL or the engine of the piece; `hint` and `size` are those of the piece.
 */
void nxt_event_engine_mem_free(nxt_event_engine_t *engine,
                               uint8_t hint,
                               void *p,
                               size_t size);

/**
 * A buffer with `size` bytes of memory; NULL when there is none.
 *
 * Requires:
 * `engine` is NULL or an engine of the calling thread with a pool.
 */
void *nxt_event_engine_buf_mem_alloc(nxt_event_engine_t *engine, size_t size);

/**
 * Gives a buffer back.
 *
 * Requires:
 * `engine` is NULL or the engine of the buffer, `b` is NULL or such a buffer.
 */
void nxt_event_engine_buf_mem_free(nxt_event_engine_t *engine, nxt_buf_t *b);

/**
 * Gives a chain of buffers back, and tells their parents.
 *
 * Requires:
 * `obj` is NULL or a chain of buffers of `nxt_event_engine_buf_mem_alloc`.
 */
void nxt_event_engine_buf_mem_completion(nxt_task_t *task,
                                         void *obj,
                                         void *data);

/** The engine of the calling thread. */
nxt_inline nxt_event_engine_t *
nxt_thread_event_engine(void)
{
    return nxt_thread()->engine;
}

#if (NXT_DEBUG)

/**
 * Makes all queues of an engine those of the calling thread; only in the debug ABI.
 *
 * Requires:
 * `engine` is NULL or an engine that no other thread runs.
 */
void nxt_event_engine_thread_adopt(nxt_event_engine_t *engine);

#else
#define nxt_event_engine_thread_adopt(engine)
#endif

#endif /* NXT_EVENT_ENGINE_H */
