/* A field of a request or a response. */

#ifndef NXT_UNIT_FIELD_H
#define NXT_UNIT_FIELD_H

#include <stdint.h>

#include "nxt_unit_sptr.h"

@ NXT_UNIT_HASH_CONTENT_LENGTH

@ NXT_UNIT_HASH_CONTENT_TYPE

@ NXT_UNIT_HASH_COOKIE

@ struct nxt_unit_field_t

#endif /* NXT_UNIT_FIELD_H */
