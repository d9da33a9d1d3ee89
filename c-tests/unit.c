/* libunit without a daemon: what needs none, and what must be refused. */

#include <stdlib.h>
#include <unistd.h>

#include <nxt_unit.h>
#include <nxt_unit_field.h>
#include <nxt_unit_request.h>
#include <nxt_unit_response.h>
#include <nxt_unit_sptr.h>
#include <nxt_unit_websocket.h>

#include "check.h"


static uint16_t
hash_of(const char *name)
{
    return nxt_unit_field_hash(name, strlen(name));
}


static void
fields(void)
{
    CHECK(hash_of("Content-Length") == NXT_UNIT_HASH_CONTENT_LENGTH);
    CHECK(hash_of("content-length") == NXT_UNIT_HASH_CONTENT_LENGTH);
    CHECK(hash_of("Content-Type") == NXT_UNIT_HASH_CONTENT_TYPE);
    CHECK(hash_of("COOKIE") == NXT_UNIT_HASH_COOKIE);
    CHECK(hash_of("X-Other") != NXT_UNIT_HASH_COOKIE);
}


static void
serialized_pointers(void)
{
    struct {
        nxt_unit_sptr_t  sptr;
        char             text[32];
    } here = { { { 0 } }, "text" }, there;

    nxt_unit_sptr_set(&here.sptr, here.text);
    CHECK(here.sptr.offset == sizeof(nxt_unit_sptr_t));
    CHECK(nxt_unit_sptr_get(&here.sptr) == here.text);

    /* It means the same in a copy. */
    memcpy(&there, &here, sizeof(there));
    CHECK(nxt_unit_sptr_get(&there.sptr) == there.text);
}


static void
ports(void)
{
    nxt_unit_port_id_t  a, b, c;

    memset(&a, 0xFF, sizeof(a));
    nxt_unit_port_id_init(&a, 1234, 5);
    nxt_unit_port_id_init(&b, 1234, 5);
    nxt_unit_port_id_init(&c, 1234, 6);

    CHECK(a.pid == 1234 && a.id == 5);
    CHECK(a.hash == b.hash && a.hash != c.hash);
}


static void
sizes(void)
{
    CHECK(nxt_unit_buf_max() == 10485760);
    CHECK(nxt_unit_buf_min() == 16384);
}


static void
memory(void)
{
    void  *memory;

    memory = nxt_unit_malloc(NULL, 100);
    CHECK(memory != NULL);
    memset(memory, 1, 100);
    nxt_unit_free(NULL, memory);
    nxt_unit_free(NULL, NULL);
}


static void
request_handler(nxt_unit_request_info_t *req)
{
    nxt_unit_request_done(req, NXT_UNIT_ERROR);
}


/* Nobody has started this program as an application. */

static void
without_a_daemon(void)
{
    nxt_unit_init_t  init;

    memset(&init, 0, sizeof(init));
    init.callbacks.request_handler = request_handler;

    unsetenv(NXT_UNIT_INIT_ENV);
    CHECK(nxt_unit_init(&init) == NULL);

    setenv(NXT_UNIT_INIT_ENV, "", 1);
    CHECK(nxt_unit_init(&init) == NULL);

    setenv(NXT_UNIT_INIT_ENV, "1.35.0;1;2,3,4", 1);
    CHECK(nxt_unit_init(&init) == NULL);

    setenv(NXT_UNIT_INIT_ENV, "0.1;1;1,0,1;1,0,1;1,0,0,1;-1,-1;2,100,0", 1);
    CHECK(nxt_unit_init(&init) == NULL);

    init.callbacks.request_handler = NULL;
    CHECK(nxt_unit_init(&init) == NULL);
    CHECK(nxt_unit_init(NULL) == NULL);
}


static void
null_objects(void)
{
    CHECK(nxt_unit_run(NULL) != NXT_UNIT_OK);
    CHECK(nxt_unit_run_ctx(NULL) != NXT_UNIT_OK);
    CHECK(nxt_unit_run_shared(NULL) != NXT_UNIT_OK);
    CHECK(nxt_unit_run_once(NULL) != NXT_UNIT_OK);
    CHECK(nxt_unit_process_port_msg(NULL, NULL) != NXT_UNIT_OK);
    CHECK(nxt_unit_dequeue_request(NULL) == NULL);
    CHECK(nxt_unit_ctx_alloc(NULL, NULL) == NULL);
    CHECK(nxt_unit_response_init(NULL, 200, 1, 1) != NXT_UNIT_OK);
    CHECK(nxt_unit_response_realloc(NULL, 1, 1) != NXT_UNIT_OK);
    CHECK(nxt_unit_response_add_field(NULL, "a", 1, "b", 1) != NXT_UNIT_OK);
    CHECK(nxt_unit_response_add_content(NULL, "a", 1) != NXT_UNIT_OK);
    CHECK(nxt_unit_response_send(NULL) != NXT_UNIT_OK);
    CHECK(nxt_unit_response_write(NULL, "a", 1) != NXT_UNIT_OK);
    CHECK(nxt_unit_response_write_nb(NULL, "a", 1, 1) < 0);
    CHECK(nxt_unit_response_write_cb(NULL, NULL) != NXT_UNIT_OK);
    CHECK(nxt_unit_response_upgrade(NULL) != NXT_UNIT_OK);
    CHECK(nxt_unit_response_buf_alloc(NULL, 1) == NULL);
    CHECK(nxt_unit_buf_send(NULL) != NXT_UNIT_OK);
    CHECK(nxt_unit_buf_next(NULL) == NULL);
    CHECK(nxt_unit_request_read(NULL, NULL, 0) <= 0);
    CHECK(nxt_unit_request_readline_size(NULL, 1) <= 0);
    CHECK(nxt_unit_websocket_send(NULL, 1, 1, "a", 1) != NXT_UNIT_OK);
    CHECK(nxt_unit_websocket_sendv(NULL, 1, 1, NULL, 0) != NXT_UNIT_OK);
    CHECK(nxt_unit_websocket_read(NULL, NULL, 0) <= 0);
    CHECK(nxt_unit_websocket_retain(NULL) != NXT_UNIT_OK);

    nxt_unit_buf_free(NULL);
    nxt_unit_websocket_done(NULL);
    nxt_unit_request_done(NULL, NXT_UNIT_OK);
    nxt_unit_request_group_dup_fields(NULL);
    nxt_unit_done(NULL);
}


static void
logging(void)
{
    int      pair[2], saved;
    char     line[4096];
    ssize_t  length;

    CHECK(pipe(pair) == 0);
    saved = dup(2);
    dup2(pair[1], 2);

    nxt_unit_alert(NULL, "%s is %d%%", "this", 100);

    dup2(saved, 2);
    close(pair[1]);

    length = read(pair[0], line, sizeof(line) - 1);
    CHECK(length > 0);
    line[length > 0 ? length : 0] = '\0';

    CHECK(strstr(line, "[alert]") != NULL);
    CHECK(strstr(line, "this is 100%\n") != NULL);

    close(pair[0]);
    close(saved);
}


int
main(void)
{
    fields();
    serialized_pointers();
    ports();
    sizes();
    memory();
    logging();
    null_objects();
    without_a_daemon();

    return REPORT("unit");
}
