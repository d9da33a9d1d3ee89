/* The head of a response. */

#ifndef NXT_UNIT_RESPONSE_H
#define NXT_UNIT_RESPONSE_H

#include <inttypes.h>

#include "nxt_unit_sptr.h"
#include "nxt_unit_field.h"

@ struct nxt_unit_response_t

#endif /* NXT_UNIT_RESPONSE_H */
