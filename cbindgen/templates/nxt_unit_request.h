/* The head of a request. */

#ifndef NXT_UNIT_REQUEST_H
#define NXT_UNIT_REQUEST_H

#include <inttypes.h>

#include "nxt_unit_sptr.h"
#include "nxt_unit_field.h"

@ NXT_UNIT_NONE_FIELD

@ struct nxt_unit_request_t

#endif /* NXT_UNIT_REQUEST_H */
