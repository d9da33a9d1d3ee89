/* A field of a request or a response. */

#ifndef NXT_UNIT_FIELD_H
#define NXT_UNIT_FIELD_H

#include <stdint.h>

#include "nxt_unit_sptr.h"

/** Hash of `content-length`. */
#define NXT_UNIT_HASH_CONTENT_LENGTH 7840

/** Hash of `content-type`. */
#define NXT_UNIT_HASH_CONTENT_TYPE 24445

/** Hash of `cookie`. */
#define NXT_UNIT_HASH_COOKIE 9202

/** A field of a request or response. */
struct nxt_unit_field_s {
    /** Hash of the lower-cased name. */
    uint16_t hash;
    /** Bit 0: skip, bit 1: hop by hop. */
    uint8_t skip:1;
    uint8_t hopbyhop:1;
    /** Bytes of the name. */
    uint8_t name_length;
    /** Bytes of the value. */
    uint32_t value_length;
    /** Zero-terminated. */
    nxt_unit_sptr_t name;
    /** Zero-terminated. */
    nxt_unit_sptr_t value;
};

#endif /* NXT_UNIT_FIELD_H */
