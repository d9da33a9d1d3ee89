/* An address relative to its own place, so that it holds in any process. */

#ifndef NXT_UNIT_SPTR_H
#define NXT_UNIT_SPTR_H

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "nxt_unit_typedefs.h"

@ struct nxt_unit_sptr_t

/** Makes it mean an address, which must lie behind it by less than 4 GiB. */
static inline void
nxt_unit_sptr_set(nxt_unit_sptr_t *sptr, void *address)
{
    sptr->offset = (uint32_t) ((char *) address - (char *) sptr);
}

/** The address it means. */
static inline void *
nxt_unit_sptr_get(nxt_unit_sptr_t *sptr)
{
    return (char *) sptr + sptr->offset;
}

#endif /* NXT_UNIT_SPTR_H */
