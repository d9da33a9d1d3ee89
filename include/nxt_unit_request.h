/* The head of a request. */

#ifndef NXT_UNIT_REQUEST_H
#define NXT_UNIT_REQUEST_H

#include <inttypes.h>

#include "nxt_unit_sptr.h"
#include "nxt_unit_field.h"

/** "No such field" among the field indexes of a request. */
#define NXT_UNIT_NONE_FIELD 4294967295

/*
 * Sources from before the local port had fields of its own call the address
 * "local". They compile with NXT_UNIT_LOCAL_NAMES defined; nothing else changes.
 */
#ifdef NXT_UNIT_LOCAL_NAMES
#define local_addr local
#define local_addr_length local_length
#endif

/** A request head as the router writes it into shared memory. */
struct nxt_unit_request_s {
    /** Bytes of the method. */
    uint8_t method_length;
    /** Bytes of the version. */
    uint8_t version_length;
    /** Bytes of the client's address. */
    uint8_t remote_length;
    /** Bytes of the local address. */
    uint8_t local_addr_length;
    /** Bytes of the local port. */
    uint8_t local_port_length;
    /** 1 if the client spoke TLS. */
    uint8_t tls;
    /** 1 for a WebSocket handshake. */
    uint8_t websocket_handshake;
    /** Index of the target. */
    uint8_t app_target;
    /** Bytes of the server name. */
    uint32_t server_name_length;
    /** Bytes of the target. */
    uint32_t target_length;
    /** Bytes of the path. */
    uint32_t path_length;
    /** Bytes of the query. */
    uint32_t query_length;
    /** Number of fields. */
    uint32_t fields_count;
    /** Index of the field or `NXT_UNIT_NONE_FIELD`. */
    uint32_t content_length_field;
    /** Index of the field or `NXT_UNIT_NONE_FIELD`. */
    uint32_t content_type_field;
    /** Index of the field or `NXT_UNIT_NONE_FIELD`. */
    uint32_t cookie_field;
    /** Index of the field or `NXT_UNIT_NONE_FIELD`. */
    uint32_t authorization_field;
    /** Bytes of the body. */
    uint64_t content_length;
    /** `GET` and so on. */
    nxt_unit_sptr_t method;
    /** `HTTP/1.1` and so on. */
    nxt_unit_sptr_t version;
    /** The client's address. */
    nxt_unit_sptr_t remote;
    /** The local address. */
    nxt_unit_sptr_t local_addr;
    /** The local port. */
    nxt_unit_sptr_t local_port;
    /** The host. */
    nxt_unit_sptr_t server_name;
    /** The target as sent. */
    nxt_unit_sptr_t target;
    /** The decoded path. */
    nxt_unit_sptr_t path;
    /** The query. */
    nxt_unit_sptr_t query;
    /** The part of the body that came with the head. */
    nxt_unit_sptr_t preread_content;
    /** The fields. */
    nxt_unit_field_t fields[];
};

#ifdef NXT_UNIT_LOCAL_NAMES
#undef local_addr
#undef local_addr_length
#endif

#endif /* NXT_UNIT_REQUEST_H */
