/* What this process may do. */

#ifndef NXT_CAPABILITY_H
#define NXT_CAPABILITY_H

@ nxt_capabilities_t

@ nxt_capability_set

#endif /* NXT_CAPABILITY_H */
