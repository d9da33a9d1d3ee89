/* The parser of HTTP requests. */

#ifndef NXT_HTTP_PARSE_H
#define NXT_HTTP_PARSE_H

/** Why bytes are no request: one of the numbers below. */
typedef unsigned int nxt_http_parse_error_t;

/** Not HTTP/1. */
#define NXT_HTTP_PARSE_INVALID 1

/** Another major version. */
#define NXT_HTTP_PARSE_UNSUPPORTED_VERSION 2

/** A field's name or value is too long. */
#define NXT_HTTP_PARSE_TOO_LARGE_FIELD 3

/** The version of a request. */
typedef union nxt_http_ver_u {
    /** As bytes. */
    uint8_t str[8] NXT_NONSTRING;
    /** As a number. */
    uint64_t ui64;
    /** In parts. */
    struct {
        /** `HTTP/` */
        uint8_t prefix[5];
        /** The digit before the point. */
        uint8_t major;
        /** The point. */
        uint8_t point;
        /** The digit after it. */
        uint8_t minor;
    } s;
} nxt_http_ver_t;

/**
 * The step of the parser that is next; never NULL after `nxt_http_parse_request_init`.
 */
typedef nxt_int_t (*nxt_http_parse_handler_t)(nxt_http_request_parse_t *rp,
                                              uint8_t **pos,
                                              const uint8_t *end);

/**
 * A request while it is parsed. All addresses lie in the caller's buffer.
 */
struct nxt_http_request_parse_s {
    /** The next step. */
    nxt_http_parse_handler_t handler;
    /** The method. */
    nxt_str_t method;
    /** Where the target starts. */
    uint8_t *target_start;
    /** Where it ends. */
    uint8_t *target_end;
    /** Where the request line ends, its line end not counted. */
    uint8_t *request_line_end;
    /** The path, decoded if the target is complex. */
    nxt_str_t path;
    /** The query. */
    nxt_str_t args;
    /** The version. */
    nxt_http_ver_t version;
    /** The fields, of `nxt_http_field_t`. */
    nxt_list_t *fields;
    /** The pool of the fields and the decoded path. */
    nxt_mp_t *mem_pool;
    /** The name of the last field. */
    nxt_str_t field_name;
    /** The value of the last field. */
    nxt_str_t field_value;
    /** The hash of the last field's name. */
    uint32_t field_hash;
    /** Whether the last field was dropped. */
    uint8_t skip_field;
    /** Whether fields with unusual names are dropped. */
    uint8_t discard_unsafe_fields;
    /** Whether the target had to be normalised. */
    uint8_t complex_target;
    /** Whether the path has escapes. */
    uint8_t quoted_target;
    /** Whether `%2F` and `%25` stay escaped in the path. */
    uint8_t encoded_slashes;
};

/** A header field. */
struct nxt_http_field_s {
    /** The hash of the name. */
    uint16_t hash;
    /** Bit 0: not to be passed on; bit 1: of this connection only. */
    uint8_t skip:1;
    uint8_t hopbyhop:1;
    /** The length of the name. */
    uint8_t name_length;
    /** The length of the value. */
    uint32_t value_length;
    /** The name. */
    uint8_t *name;
    /** The value. */
    uint8_t *value;
};

/** Deals with a field; anything but `NXT_OK` ends the processing. */
typedef nxt_int_t (*nxt_http_field_handler_t)(void *ctx,
                                              nxt_http_field_t *field,
                                              size_t data);

/** Which handler deals with which field. */
typedef struct nxt_http_field_proc_s {
    /** The field's name. */
    nxt_str_t name;
    /** Its handler. */
    nxt_http_field_handler_t handler;
    /** The handler's last argument. */
    size_t data;
} nxt_http_field_proc_t;

/** A chunked body while it is parsed. */
typedef struct nxt_http_chunk_parse_s {
    /** The pool that buffers come from. */
    nxt_mp_t *mem_pool;
    /** What is left of the chunk. */
    uint64_t chunk_size;
    /** Where the parser stands. */
    uint8_t state;
    /** Whether the last chunk was met. */
    uint8_t last;
    /** Whether the body is malformed. */
    uint8_t chunk_error;
    /** Whether there was no memory. */
    uint8_t error;
} nxt_http_chunk_parse_t;

/** The hash of a field's name in lower case, byte by byte. */
#define NXT_HTTP_FIELD_HASH_INIT  159406U
#define nxt_http_field_hash_char(hash, byte)  ((hash) * 17 + (byte))
#define nxt_http_field_hash_end(hash)  ((hash) ^ ((hash) >> 16))

/**
 * Prepares a parser, which is all zero: its fields will lie in the pool. `NXT_ERROR` when there is
 * no memory.
 *
 * Requires:
 * `rp` is NULL or valid; `mp` is NULL or a pool.
 */
nxt_int_t nxt_http_parse_request_init(nxt_http_request_parse_t *rp,
                                      nxt_mp_t *mp);

/**
 * Parses a request head between `b->pos`, which is moved over what was used, and `b->free`. `NXT_DONE`
 * at its end; `NXT_AGAIN` if there has to be more, then from `b->pos` on; `NXT_HTTP_PARSE_*` for
 * what is no request; `NXT_ERROR` when there is no memory. All addresses noted lie in the buffer.
 *
 * Requires:
 * `rp` is NULL or was prepared; `b` is NULL or has readable bytes between those addresses.
 */
nxt_int_t nxt_http_parse_request(nxt_http_request_parse_t *rp,
                                 nxt_buf_mem_t *b);

/**
 * As `nxt_http_parse_request`, for header fields without a request line.
 *
 * Requires:
 * As `nxt_http_parse_request`.
 */
nxt_int_t nxt_http_parse_fields(nxt_http_request_parse_t *rp,
                                nxt_buf_mem_t *b);

/**
 * Decodes and normalises the target: path and query.
 *
 * Requires:
 * `rp` is NULL, or was prepared and its target noted.
 */
nxt_int_t nxt_http_parse_complex_target(nxt_http_request_parse_t *rp);

/**
 * Takes the chunks' lines out of a chain of buffers. The answer is a chain of new buffers, each with
 * a stretch of the memory of one of `in`, which it holds until it is complete. A buffer without
 * any data is completed.
 *
 * `hcp` has to be zero but for its pool at the start of a body. `last` says that the last chunk was
 * met, `chunk_error` that the body is malformed, `error` that there is no memory; the answer is what
 * was found before.
 *
 * Requires:
 * `task` is NULL or valid, with the engine of its thread; `hcp` is NULL or has a pool; `in` is NULL
 * or a chain of memory buffers.
 */
nxt_buf_t *nxt_http_chunk_parse(nxt_task_t *task,
                                nxt_http_chunk_parse_t *hcp,
                                nxt_buf_t *in);

/**
 * Fills a hash with fields that have handlers; the entries are `items` themselves. `NXT_ERROR` when there
 * is no memory, or a name comes twice.
 *
 * Requires:
 * `hash` is NULL or an empty hash; `items` is NULL or has `count` entries, which outlive the hash.
 */
nxt_int_t nxt_http_fields_hash(nxt_lvlhsh_t *hash,
                               nxt_http_field_proc_t *items,
                               nxt_uint_t count);

/**
 * Counts the names that collide with an earlier one: in their hashes, or, if `level` is not 0, in the
 * part of them that the hash looks at. The hash is only good for this afterwards.
 *
 * Requires:
 * As `nxt_http_fields_hash`.
 */
nxt_uint_t nxt_http_fields_hash_collisions(nxt_lvlhsh_t *hash,
                                           nxt_http_field_proc_t *items,
                                           nxt_uint_t count,
                                           nxt_bool_t level);

/**
 * Calls the handlers of those fields of a list that a hash knows, in their order, up to the first that
 * does not answer `NXT_OK`; its answer.
 *
 * Requires:
 * `fields` is NULL or a list of `nxt_http_field_t`; `hash` is NULL or from `nxt_http_fields_hash`, and its
 * handlers take `ctx`.
 */
nxt_int_t nxt_http_fields_process(nxt_list_t *fields,
                                  nxt_lvlhsh_t *hash,
                                  void *ctx);

/** The shape of hashes that nxt_http_fields_hash() fills. */
extern const nxt_lvlhsh_proto_t nxt_http_fields_hash_proto;

/** Calls the handler of a field, if a hash knows one. */
nxt_inline nxt_int_t
nxt_http_field_process(nxt_http_field_t *field, nxt_lvlhsh_t *hash, void *ctx)
{
    nxt_http_field_proc_t  *entry;
    nxt_lvlhsh_query_t     query;

    query.key.start = field->name;
    query.key.length = field->name_length;
    query.key_hash = field->hash;
    query.proto = &nxt_http_fields_hash_proto;

    if (nxt_lvlhsh_find(hash, &query) == NXT_OK) {
        entry = (nxt_http_field_proc_t *) query.value;

        return entry->handler(ctx, field, entry->data);
    }

    return NXT_OK;
}

#endif /* NXT_HTTP_PARSE_H */
