/* The head of a request. */

#ifndef NXT_UNIT_REQUEST_H
#define NXT_UNIT_REQUEST_H

#include <inttypes.h>

#include "nxt_unit_sptr.h"
#include "nxt_unit_field.h"

@ NXT_UNIT_NONE_FIELD

/*
 * Sources from before the local port had fields of its own call the address
 * "local". They compile with NXT_UNIT_LOCAL_NAMES defined; nothing else changes.
 */
#ifdef NXT_UNIT_LOCAL_NAMES
#define local_addr local
#define local_addr_length local_length
#endif

@ struct nxt_unit_request_t

#ifdef NXT_UNIT_LOCAL_NAMES
#undef local_addr
#undef local_addr_length
#endif

#endif /* NXT_UNIT_REQUEST_H */
