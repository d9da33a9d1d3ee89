/* The head of a response. */

#ifndef NXT_UNIT_RESPONSE_H
#define NXT_UNIT_RESPONSE_H

#include <inttypes.h>

#include "nxt_unit_sptr.h"
#include "nxt_unit_field.h"

/** A response head as the application writes it. */
struct nxt_unit_response_s {
    /** The declared length of the body. */
    uint64_t content_length;
    /** Number of fields. */
    uint32_t fields_count;
    /** Bytes of the body that come with the head. */
    uint32_t piggyback_content_length;
    /** Status. */
    uint16_t status;
    /** The part of the body that comes with the head. */
    nxt_unit_sptr_t piggyback_content;
    /** The fields. */
    nxt_unit_field_t fields[];
};

#endif /* NXT_UNIT_RESPONSE_H */
