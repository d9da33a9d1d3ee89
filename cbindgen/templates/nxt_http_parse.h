/* The parser of HTTP requests. */

#ifndef NXT_HTTP_PARSE_H
#define NXT_HTTP_PARSE_H

@ nxt_http_parse_error_t

@ NXT_HTTP_PARSE_INVALID

@ NXT_HTTP_PARSE_UNSUPPORTED_VERSION

@ NXT_HTTP_PARSE_TOO_LARGE_FIELD

@ nxt_http_ver_t

@ nxt_http_parse_handler_t

@ struct nxt_http_request_parse_t

@ struct nxt_http_field_t

@ nxt_http_field_handler_t

@ nxt_http_field_proc_t

@ nxt_http_chunk_parse_t

/** The hash of a field's name in lower case, byte by byte. */
#define NXT_HTTP_FIELD_HASH_INIT  159406U
#define nxt_http_field_hash_char(hash, byte)  ((hash) * 17 + (byte))
#define nxt_http_field_hash_end(hash)  ((hash) ^ ((hash) >> 16))

@ nxt_http_parse_request_init

@ nxt_http_parse_request

@ nxt_http_parse_fields

@ nxt_http_parse_complex_target

@ nxt_http_chunk_parse

@ nxt_http_fields_hash

@ nxt_http_fields_hash_collisions

@ nxt_http_fields_process

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
