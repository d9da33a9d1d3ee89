/* The decoder of chunked bodies: in one buffer, byte by byte, and what it refuses. */

#include <nxt_main.h>

#include "check.h"

extern char  **environ;

static nxt_task_t          *task;
static nxt_event_engine_t  *engine;
static int                 completed;

static const char  body[] = "5\r\nhello\r\n00A\r\n, chunked \r\n5\r\nworld\r\n0\r\n\r\n";
static const char  text[] = "hello, chunked world";


static void
count(nxt_task_t *t, void *obj, void *data)
{
    (void) t;
    (void) obj;
    (void) data;

    completed++;
}


/* What the engine's loop does. */
static void
work(void)
{
    void                *obj, *data;
    nxt_task_t          *t;
    nxt_work_handler_t  handler;

    while (engine->fast_work_queue.head != NULL) {
        handler = nxt_work_queue_pop(&engine->fast_work_queue, &t, &obj, &data);
        handler(t, obj, data);
    }
}


static nxt_buf_t *
buffer(nxt_buf_t *b, const char *bytes, size_t length)
{
    memset(b, 0, sizeof(*b));
    nxt_buf_mem_init(b, (void *) bytes, length);
    b->mem.free = b->mem.end;
    b->completion_handler = count;

    return b;
}


/* Appends the content of a chain, and completes it. */
static size_t
take(nxt_buf_t *out, char *to)
{
    size_t     length, size;
    nxt_buf_t  *b;

    length = 0;

    for (b = out; b != NULL; b = b->next) {
        size = nxt_buf_mem_used_size(&b->mem);
        memcpy(to + length, b->mem.pos, size);
        length += size;
    }

    if (out != NULL) {
        out->completion_handler(task, out, out->parent);
    }

    return length;
}


static void
whole(void)
{
    char                    bytes[sizeof(body) + 8], found[sizeof(body)];
    size_t                  length;
    nxt_mp_t                *mp;
    nxt_buf_t               in, *out;
    nxt_http_chunk_parse_t  hcp;

    mp = nxt_mp_create(1024, 128, 256, 32);
    memset(&hcp, 0, sizeof(hcp));
    hcp.mem_pool = mp;
    completed = 0;

    memcpy(bytes, body, sizeof(body) - 1);
    memcpy(bytes + sizeof(body) - 1, "GET /", 5);
    buffer(&in, bytes, sizeof(body) + 4);

    out = nxt_http_chunk_parse(task, &hcp, &in);

    CHECK(hcp.last && !hcp.error && !hcp.chunk_error);
    CHECK(in.retain == 3);
    CHECK(out != NULL && out->parent == &in);
    CHECK(out->mem.pos == (u_char *) bytes + 3);

    /* What follows the body is the next request's. */
    CHECK(in.mem.free - in.mem.pos == 5 && memcmp(in.mem.pos, "GET /", 5) == 0);

    length = take(out, found);
    CHECK(length == sizeof(text) - 1 && memcmp(found, text, length) == 0);
    work();
    CHECK(completed == 1);

    nxt_mp_destroy(mp);
}


static void
pieces(size_t step)
{
    char                    bytes[sizeof(body)], found[sizeof(body)];
    size_t                  at, size, length;
    nxt_mp_t                *mp;
    nxt_buf_t               in[sizeof(body)];
    nxt_http_chunk_parse_t  hcp;
    int                     buffers;

    mp = nxt_mp_create(1024, 128, 256, 32);
    memset(&hcp, 0, sizeof(hcp));
    hcp.mem_pool = mp;
    memcpy(bytes, body, sizeof(body));
    completed = 0;
    buffers = 0;
    length = 0;

    for (at = 0; !hcp.last && at < sizeof(body) - 1; at += size) {
        size = nxt_min(step, sizeof(body) - 1 - at);
        buffer(&in[at], bytes + at, size);
        length += take(nxt_http_chunk_parse(task, &hcp, &in[at]), found + length);
        CHECK(!hcp.error && !hcp.chunk_error);
        buffers++;
    }

    CHECK(hcp.last);
    CHECK(length == sizeof(text) - 1 && memcmp(found, text, length) == 0);

    /* All but possibly the one with the end are done with. */
    work();
    CHECK(completed >= buffers - 1);

    nxt_mp_destroy(mp);
}


static void
chain(void)
{
    char                    first[] = "4\r\nab", second[] = "cd\r\n", found[8];
    size_t                  length;
    nxt_mp_t                *mp;
    nxt_buf_t               one, two, *out;
    nxt_http_chunk_parse_t  hcp;

    mp = nxt_mp_create(1024, 128, 256, 32);
    memset(&hcp, 0, sizeof(hcp));
    hcp.mem_pool = mp;
    completed = 0;

    buffer(&one, first, sizeof(first) - 1)->next =
        buffer(&two, second, sizeof(second) - 1);

    out = nxt_http_chunk_parse(task, &hcp, &one);

    CHECK(one.next == NULL && one.retain == 1 && two.retain == 1);
    CHECK(out != NULL && out->next != NULL && out->next->next == NULL);
    CHECK(!hcp.last && !hcp.chunk_error);

    length = take(out, found);
    CHECK(length == 4 && memcmp(found, "abcd", 4) == 0);
    CHECK(completed == 2);

    /* A buffer without data is done with at once. */
    buffer(&one, "0\r", 2);
    CHECK(nxt_http_chunk_parse(task, &hcp, &one) == NULL);
    work();
    CHECK(completed == 3 && !hcp.last);

    nxt_mp_destroy(mp);
}


static void
refused(void)
{
    size_t                  i;
    nxt_mp_t                *mp;
    nxt_buf_t               in, *out;
    nxt_http_chunk_parse_t  hcp;

    static const char  *const bad[] = {
        "\r\n", "g\r\n", "5 ;x", "2\nab", "2\r\nabc", "-1\r\n", "1\r\r",
        "11111111111111111\r\n", "0\r\nA: b\r\n",
    };

    mp = nxt_mp_create(1024, 128, 256, 32);

    for (i = 0; i < nxt_nitems(bad); i++) {
        memset(&hcp, 0, sizeof(hcp));
        hcp.mem_pool = mp;
        buffer(&in, bad[i], strlen(bad[i]));

        out = nxt_http_chunk_parse(task, &hcp, &in);

        CHECK(hcp.chunk_error && !hcp.error);

        if (out != NULL) {
            out->completion_handler(task, out, out->parent);
        }
    }

    nxt_mp_destroy(mp);
    work();
}


#ifndef ORIGINAL

static void
nothing(void)
{
    nxt_buf_t               in;
    nxt_http_chunk_parse_t  hcp;

    memset(&hcp, 0, sizeof(hcp));

    CHECK(nxt_http_chunk_parse(NULL, NULL, NULL) == NULL);
    CHECK(nxt_http_chunk_parse(task, &hcp, NULL) == NULL && !hcp.error);

    /* Without a pool there is no memory. */
    buffer(&in, "1\r\na\r\n", 6);
    CHECK(nxt_http_chunk_parse(task, &hcp, &in) == NULL);
    CHECK(hcp.error && !hcp.chunk_error);

    /* Without a task a buffer without data is left alone. */
    memset(&hcp, 0, sizeof(hcp));
    buffer(&in, "1", 1);
    CHECK(nxt_http_chunk_parse(NULL, &hcp, &in) == NULL && !hcp.chunk_error);

    memset(&hcp, 0, sizeof(hcp));
    hcp.state = 200;
    CHECK(nxt_http_chunk_parse(task, &hcp, &in) == NULL && hcp.chunk_error);
}

#endif


int
main(int argc, char **argv)
{
    size_t  step;

    (void) argc;

    CHECK(nxt_lib_start("chunks", argv, &environ) == NXT_OK);
    task = &nxt_main_task;

    engine = calloc(1, sizeof(nxt_event_engine_t));
    nxt_work_queue_cache_create(&engine->work_queue_cache, 0);
    engine->fast_work_queue.cache = &engine->work_queue_cache;
    task->thread->engine = engine;

    whole();

    for (step = 1; step < sizeof(body); step++) {
        pieces(step);
    }

    chain();
    refused();

#ifndef ORIGINAL
    nothing();
#endif

    nxt_work_queue_cache_destroy(&engine->work_queue_cache);
    free(engine);

    return REPORT("chunks");
}
