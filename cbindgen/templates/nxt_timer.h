/* Timers. */

#ifndef NXT_TIMER_H
#define NXT_TIMER_H

@ NXT_TIMER_DEFAULT_BIAS

#define NXT_TIMER_MAX_CHANGES  16383
#define NXT_TIMER_NO_CHANGE  0

@ nxt_timer_t

@ nxt_timer_operation_t

@ NXT_TIMER_NOPE

@ NXT_TIMER_ADD

@ NXT_TIMER_DELETE

@ nxt_timer_change_t

@ nxt_timers_t

/** A timer that does not run. */
#define NXT_TIMER                                                             \
    { NXT_RBTREE_NODE_INIT, 0, NXT_TIMER_NO_CHANGE, 0, 0,                     \
      0, NULL, NULL, NULL, NULL }

/** The object that contains a timer. */
#define nxt_timer_data(address, type, member)  \
    nxt_container_of(address, type, member)

@ nxt_timers_init

@ nxt_timer_add

@ nxt_timer_delete

@ nxt_timer_find

@ nxt_timer_expire

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
