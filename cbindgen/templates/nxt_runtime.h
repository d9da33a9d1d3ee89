/* The runtime is opaque; its name is declared in nxt_types.h. */

#ifndef NXT_RUNTIME_H
#define NXT_RUNTIME_H

#include <nxt_types.h>

#endif /* NXT_RUNTIME_H */
