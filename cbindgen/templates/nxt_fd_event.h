/* Descriptors that an engine watches. */

#ifndef NXT_FD_EVENT_H
#define NXT_FD_EVENT_H

@ nxt_fd_event_state_t

@ NXT_EVENT_INACTIVE

@ NXT_EVENT_DISABLED

@ NXT_EVENT_BLOCKED

@ NXT_EVENT_ONESHOT

@ NXT_EVENT_LEVEL

@ NXT_EVENT_DEFAULT

@ NXT_EVENT_ACTIVE

#define nxt_fd_event_is_disabled(state)  ((state) < NXT_EVENT_ONESHOT)
#define nxt_fd_event_is_active(state)  ((state) >= NXT_EVENT_ONESHOT)

@ struct nxt_fd_event_t

#endif /* NXT_FD_EVENT_H */
