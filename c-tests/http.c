/* The request parser, in one piece, byte by byte, and across buffers. */

#include <nxt_main.h>

#include "check.h"

static const char  request[] =
    "GET /a%20b/../c?x=1 HTTP/1.1\r\n"
    "Host: example.com\r\n"
    "X_Y: dropped\r\n"
    "Content-Length:  5 \r\n"
    "\r\n"
    "body!";

static int  hosts;


static nxt_int_t
host(void *ctx, nxt_http_field_t *field, uintptr_t data)
{
    CHECK(ctx == &hosts && data == 7);
    CHECK(field->value_length == 11);
    CHECK(memcmp(field->value, "example.com", 11) == 0);
    hosts++;

    return NXT_OK;
}


static nxt_int_t
refuse(void *ctx, nxt_http_field_t *field, uintptr_t data)
{
    (void) ctx;
    (void) field;

    return (nxt_int_t) data;
}


static nxt_http_field_proc_t  known[] = {
    { nxt_string("HOST"), host, 7 },
};

static nxt_http_field_proc_t  refused[] = {
    { nxt_string("content-length"), refuse, 42 },
};


static void
whole(size_t step)
{
    u_char                    bytes[sizeof(request)];
    nxt_mp_t                  *mp;
    nxt_int_t                 rc;
    nxt_lvlhsh_t              hash;
    nxt_buf_mem_t             b;
    nxt_http_request_parse_t  rp;

    mp = nxt_mp_create(1024, 128, 256, 32);
    memset(&rp, 0, sizeof(rp));
    CHECK(nxt_http_parse_request_init(&rp, mp) == NXT_OK);
    rp.discard_unsafe_fields = 1;

    memcpy(bytes, request, sizeof(request));
    b.start = bytes;
    b.pos = bytes;
    b.free = bytes;
    b.end = bytes + sizeof(request) - 1;

    do {
        b.free += nxt_min(step, (size_t) (b.end - b.free));
        rc = nxt_http_parse_request(&rp, &b);
    } while (rc == NXT_AGAIN && b.free < b.end);

    CHECK(rc == NXT_DONE);
    CHECK(memcmp(b.pos, "body!", 5) == 0);
    CHECK(nxt_str_eq(&rp.method, "GET", 3));
    CHECK(nxt_str_eq(&rp.path, "/c", 2) && nxt_str_eq(&rp.args, "x=1", 3));
    CHECK(rp.quoted_target && memcmp(rp.version.str, "HTTP/1.1", 8) == 0);
    CHECK(rp.version.s.minor == '1');
    CHECK(nxt_list_nelts(rp.fields) == 2);

    nxt_lvlhsh_init(&hash);
    CHECK(nxt_http_fields_hash(&hash, known, 1) == NXT_OK);
    hosts = 0;
    CHECK(nxt_http_fields_process(rp.fields, &hash, &hosts) == NXT_OK);
    CHECK(hosts == 1);
    nxt_lvlhsh_retrieve(&hash, &nxt_http_fields_hash_proto, NULL);

    CHECK(nxt_http_fields_hash(&hash, refused, 1) == NXT_OK);
    CHECK(nxt_http_fields_process(rp.fields, &hash, NULL) == 42);
    nxt_lvlhsh_retrieve(&hash, &nxt_http_fields_hash_proto, NULL);

    nxt_mp_destroy(mp);
}


static nxt_int_t
parse(const char *text)
{
    nxt_mp_t                  *mp;
    nxt_int_t                 rc;
    nxt_buf_mem_t             b;
    nxt_http_request_parse_t  rp;

    mp = nxt_mp_create(1024, 128, 256, 32);
    memset(&rp, 0, sizeof(rp));
    nxt_http_parse_request_init(&rp, mp);
    b.start = (u_char *) text;
    b.pos = b.start;
    b.free = b.start + strlen(text);
    b.end = b.free;
    rc = nxt_http_parse_request(&rp, &b);
    nxt_mp_destroy(mp);

    return rc;
}


static void
wrong(void)
{
    char                      name[300];
    nxt_buf_mem_t             b;
    nxt_http_request_parse_t  rp;

    CHECK(parse("get / HTTP/1.1\r\n\r\n") == NXT_HTTP_PARSE_INVALID);
    CHECK(parse("GET / HTTP/2.0\r\n\r\n") == NXT_HTTP_PARSE_UNSUPPORTED_VERSION);
    CHECK(parse("GET /%zz HTTP/1.1\r\n\r\n") == NXT_HTTP_PARSE_INVALID);
    CHECK(parse("GET /.. HTTP/1.1\r\n\r\n") == NXT_HTTP_PARSE_INVALID);
    CHECK(parse("GET / HTTP/1.1\r\nA B: c\r\n\r\n") == NXT_HTTP_PARSE_INVALID);
    CHECK(parse("GET / HTTP/1.1\r\nA: b\r\n") == NXT_AGAIN);
    CHECK(parse("") == NXT_AGAIN);

    memset(name, 'a', sizeof(name));
    memcpy(name, "GET / HTTP/1.1\r\n", 16);
    memcpy(name + sizeof(name) - 5, ": b\n", 5);
    CHECK(parse(name) == NXT_HTTP_PARSE_TOO_LARGE_FIELD);

    memset(&rp, 0, sizeof(rp));
    memset(&b, 0, sizeof(b));
    CHECK(nxt_http_parse_request_init(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_http_parse_request_init(&rp, NULL) == NXT_ERROR);
    CHECK(nxt_http_parse_request(&rp, &b) == NXT_ERROR);
    CHECK(nxt_http_parse_request(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_http_parse_fields(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_http_fields_hash(NULL, NULL, 1) == NXT_ERROR);
    CHECK(nxt_http_fields_process(NULL, NULL, NULL) == NXT_OK);
    CHECK(nxt_http_parse_complex_target(NULL) == NXT_ERROR);
}


int
main(void)
{
    size_t  step;

    for (step = 1; step <= sizeof(request); step++) {
        whole(step);
    }

    wrong();

    return REPORT("http");
}
