/* Timers. */

#ifndef NXT_TIMER_H
#define NXT_TIMER_H

/** The usual `bias`. */
#define NXT_TIMER_DEFAULT_BIAS 50

#define NXT_TIMER_MAX_CHANGES  16383
#define NXT_TIMER_NO_CHANGE  0

/** A timer. All zero but for `bias` is one that does not run. */
typedef struct nxt_timer_s {
    /** Its node in the engine's tree. */
    nxt_rbtree_part_t node;
    /** The node's colour. */
    uint8_t node_color;
    /** How many milliseconds it may be late to spare a change. */
    uint8_t bias;
    /**
     * Bits 0 to 13: its pending change; bit 14: whether it runs; bit 15: whether it is queued.
     */
    uint16_t change:14;
    uint16_t enabled:1;
    uint16_t queued:1;
    /** When it expires. */
    nxt_msec_t time;
    /** The queue that its handler is put into. */
    nxt_work_queue_t *work_queue;
    /** What is done when it expires. */
    nxt_work_handler_t handler;
    /** The task of the handler. */
    nxt_task_t *task;
    /** The log of the handler. */
    nxt_log_t *log;
} nxt_timer_t;

/** What is to happen to a timer: one of the numbers below. */
typedef unsigned int nxt_timer_operation_t;

/** Nothing. */
#define NXT_TIMER_NOPE 0

/** It is to run. */
#define NXT_TIMER_ADD 1

/** It is to stop. */
#define NXT_TIMER_DELETE 2

/** A pending change. */
typedef struct nxt_timer_change_s {
    /** The lowest 8 bits: what is to happen. */
    nxt_timer_operation_t change:8;
    /** The new time. */
    nxt_msec_t time;
    /** The timer. */
    nxt_timer_t *timer;
} nxt_timer_change_t;

/** The timers of an engine. */
typedef struct nxt_timers_s {
    /** Those that run, by time. */
    nxt_rbtree_t tree;
    /** The time. */
    nxt_msec_t now;
    /** The time of the first. */
    nxt_msec_t minimum;
    /** For how many changes there is room. */
    nxt_uint_t mchanges;
    /** How many changes are pending. */
    nxt_uint_t nchanges;
    /** The changes. */
    nxt_timer_change_t *changes;
} nxt_timers_t;

/** A timer that does not run. */
#define NXT_TIMER                                                             \
    { NXT_RBTREE_NODE_INIT, 0, NXT_TIMER_NO_CHANGE, 0, 0,                     \
      0, NULL, NULL, NULL, NULL }

/** The object that contains a timer. */
#define nxt_timer_data(address, type, member)  \
    nxt_container_of(address, type, member)

/**
 * Prepares the timers of an engine, with room for `mchanges` changes.
 *
 * Requires:
 * `timers` is NULL or writable.
 */
nxt_int_t nxt_timers_init(nxt_timers_t *timers, nxt_uint_t mchanges);

/**
 * Starts a timer, or sets one that runs anew: it expires `timeout` milliseconds from now. One that
 * would change by no more than its `bias` stays.
 *
 * Requires:
 * The addresses are NULL or valid; the timer stays until it expires or is deleted.
 */
void nxt_timer_add(nxt_event_engine_t *engine,
                   nxt_timer_t *timer,
                   nxt_msec_t timeout);

/**
 * Stops a timer: 1 if it was running or its handler is queued, else 0. The handler is not called
 * in either case.
 *
 * Requires:
 * The addresses are NULL or valid. A timer whose handler is queued must stay until then.
 */
nxt_bool_t nxt_timer_delete(nxt_event_engine_t *engine,
                            nxt_timer_t *timer);

/**
 * How many milliseconds it is until a timer expires; `NXT_INFINITE_MSEC` if none runs.
 *
 * Requires:
 * `engine` is NULL or an engine.
 */
nxt_msec_t nxt_timer_find(nxt_event_engine_t *engine);

/**
 * Sets the time, and queues the handlers of the timers that have expired.
 *
 * Requires:
 * `engine` is NULL or an engine.
 */
void nxt_timer_expire(nxt_event_engine_t *engine, nxt_msec_t now);

/** Stops a timer that may be started again soon. */
nxt_inline void
nxt_timer_disable(nxt_event_engine_t *engine, nxt_timer_t *timer)
{
    (void) engine;
    timer->enabled = 0;
}

/** A timer is in the tree while its node has a parent. */
#define nxt_timer_in_tree_set(timer)
#define nxt_timer_in_tree_clear(timer)  ((timer)->node.parent = NULL)
#define nxt_timer_is_in_tree(timer)  ((timer)->node.parent != NULL)

#endif /* NXT_TIMER_H */
