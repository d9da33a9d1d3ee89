/* Descriptors that an engine watches. */

#ifndef NXT_FD_EVENT_H
#define NXT_FD_EVENT_H

/**
 * What is known of one direction of a descriptor: one of the `NXT_EVENT_*` numbers.
 */
typedef unsigned int nxt_fd_event_state_t;

/** Nothing is waited for. */
#define NXT_EVENT_INACTIVE 0

/** Known to the kernel, but nothing is waited for any more. */
#define NXT_EVENT_DISABLED 1

/** What happens is noted, but no handler is called. */
#define NXT_EVENT_BLOCKED 2

/** Waited for once. */
#define NXT_EVENT_ONESHOT 3

/** Waited for as long as it is so. */
#define NXT_EVENT_LEVEL 4

/** Waited for in the way of the interface. */
#define NXT_EVENT_DEFAULT 5

/** The same. */
#define NXT_EVENT_ACTIVE 5

#define nxt_fd_event_is_disabled(state)  ((state) < NXT_EVENT_ONESHOT)
#define nxt_fd_event_is_active(state)  ((state) >= NXT_EVENT_ONESHOT)

/** A descriptor that an engine watches. */
struct nxt_fd_event_s {
    /** The handlers' third argument. */
    void *data;
    /** The descriptor. */
    nxt_socket_t fd;
    /** The error of the last operation. */
    nxt_err_t error;
    /** What is known of reading. */
    uint32_t read:8;
    /** What is known of writing. */
    uint32_t write:8;
    /** Reading will not block. */
    uint8_t read_ready;
    /** Writing will not block. */
    uint8_t write_ready;
    /** A change is pending. */
    uint8_t changing;
    /** It was closed. */
    uint8_t closed;
    /** It timed out. */
    uint8_t timedout;
    /** Bits: shut down, end of file seen, error seen. */
    uint8_t shutdown:1;
    uint8_t epoll_eof:1;
    uint8_t epoll_error:1;
    /** The task of the handlers. */
    nxt_task_t *task;
    /** Where readers are put. */
    nxt_work_queue_t *read_work_queue;
    /** What reads. */
    nxt_work_handler_t read_handler;
    /** Where writers are put. */
    nxt_work_queue_t *write_work_queue;
    /** What writes. */
    nxt_work_handler_t write_handler;
    /** What learns of errors. */
    nxt_work_handler_t error_handler;
    /** The log of the handlers. */
    nxt_log_t *log;
};

#endif /* NXT_FD_EVENT_H */
