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

@ nxt_file_event_t

@ nxt_fd_event_change_t

@ nxt_file_event_change_t

@ nxt_event_interface_t

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

@ nxt_event_engine_pipe_t

@ struct nxt_event_engine_t

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

@ nxt_event_engine_create

@ nxt_event_engine_change

@ nxt_event_engine_free

/**
 * Runs an engine for ever, on the thread that has made it.
 */
NXT_EXPORT void nxt_event_engine_start(nxt_event_engine_t *engine);

@ nxt_event_engine_post

@ nxt_event_engine_signal

@ NXT_EVENT_ENGINE_NO_MEM_HINT

@ nxt_event_engine_mem_alloc

@ nxt_event_engine_mem_free

@ nxt_event_engine_buf_mem_alloc

@ nxt_event_engine_buf_mem_free

@ nxt_event_engine_buf_mem_completion

/** The engine of the calling thread. */
nxt_inline nxt_event_engine_t *
nxt_thread_event_engine(void)
{
    return nxt_thread()->engine;
}

#if (NXT_DEBUG)

@ nxt_event_engine_thread_adopt

#else
#define nxt_event_engine_thread_adopt(engine)
#endif

#endif /* NXT_EVENT_ENGINE_H */
