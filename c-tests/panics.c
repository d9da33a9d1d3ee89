/*
 * A panic inside of exported functions: each of them is made to panic once, and
 * answers its error value; the log tells of it, and the next call works.  Only
 * for a library with the feature panic-probe.
 */

#define _GNU_SOURCE

#include <nxt_main.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

/* The function that is to panic when it is called next. */
extern const char  *nxt_panic_probe;

static nxt_mp_t          *mp;
static nxt_array_t       *array;
static nxt_list_t        *list;
static nxt_conf_value_t  *conf;
static int               records;

static u_char            document[] = "{\"a\": 1}";
static u_char            seven[] = "7";


/* What each function answers, and whether that is what an error looks like. */

static int
pool_fails(void)
{
    nxt_mp_t  *pool;

    pool = nxt_mp_create(4096, 128, 1024, 64);

    if (pool == NULL) {
        return 1;
    }

    nxt_mp_destroy(pool);

    return 0;
}


static int
memory_fails(void)
{
    return nxt_mp_alloc(mp, 10) == NULL;
}


static int
array_fails(void)
{
    return nxt_array_add(array) == NULL;
}


static int
list_fails(void)
{
    return nxt_list_add(list) == NULL;
}


static int
buffer_fails(void)
{
    return nxt_buf_mem_alloc(mp, 10, 0) == NULL;
}


static int
json_fails(void)
{
    nxt_str_t         text = { sizeof(document) - 1, document };
    nxt_conf_value_t  *value;

    value = nxt_conf_json_parse_str(mp, &text);

    if (value != NULL) {
        conf = value;
    }

    return value == NULL;
}


static int
validation_fails(void)
{
    nxt_conf_validation_t  check;

    memset(&check, 0, sizeof(check));
    check.pool = mp;
    check.conf = conf;

    switch (nxt_conf_validate(&check)) {
    case NXT_ERROR:
        return 1;
    case NXT_DECLINED:
        return 0;
    default:
        return -1;
    }
}


static int
number_fails(void)
{
    return nxt_int_parse(seven, 1) == -1;
}


static int
utf8_fails(void)
{
    const u_char  *at = seven;

    return nxt_utf8_decode(&at, at + 1) == 0xFFFFFFFF;
}


static int
mutex_fails(void)
{
    nxt_int_t           ret;
    nxt_thread_mutex_t  mutex;

    ret = nxt_thread_mutex_create(&mutex);

    if (ret == NXT_OK) {
        nxt_thread_mutex_destroy(&mutex);
    }

    return ret == NXT_ERROR;
}


static int
engine_fails(void)
{
    nxt_event_engine_t  *engine;

    engine = nxt_event_engine_create(&nxt_main_task, &nxt_epoll_edge_engine,
                                     NULL, 0, 0);
    if (engine == NULL) {
        return 1;
    }

    nxt_event_engine_free(engine);

    return 0;
}


static int
pipe_fails(void)
{
    nxt_fd_t  fds[2];

    if (nxt_pipe_create(&nxt_main_task, fds, 0, 0) != NXT_OK) {
        return 1;
    }

    nxt_pipe_close(&nxt_main_task, fds);

    return 0;
}


/* The rest of the record is read by the next one. */

static int
told(int fd, const char *function)
{
    char     record[8192], text[128];
    ssize_t  size;

    size = read(fd, record, sizeof(record) - 1);

    if (size <= 0) {
        return 0;
    }

    record[size] = '\0';
    snprintf(text, sizeof(text), "[alert] %d", (int) getpid());

    if (strstr(record, text) == NULL) {
        return 0;
    }

    snprintf(text, sizeof(text), " %s() panicked\n", function);

    return strstr(record, text) != NULL;
}


typedef struct {
    const char  *function;
    int         (*fails)(void);
} panic_t;


static const panic_t  panics[] = {
    { "nxt_mp_create", pool_fails },
    { "nxt_mp_alloc", memory_fails },
    { "nxt_array_add", array_fails },
    { "nxt_list_add", list_fails },
    { "nxt_buf_mem_alloc", buffer_fails },
    { "nxt_conf_json_parse", json_fails },
    { "nxt_conf_validate", validation_fails },
    { "nxt_int_parse", number_fails },
    { "nxt_utf8_decode", utf8_fails },
    { "nxt_thread_mutex_create", mutex_fails },
    { "nxt_event_engine_create", engine_fails },
    { "nxt_pipe_create", pipe_fails },
};


int
main(int argc, char **argv)
{
    int            ends[2], old;
    size_t         i;
    const panic_t  *panic;

    (void) argc;

    if (nxt_lib_start("panics", argv, &environ) != NXT_OK) {
        return 1;
    }

    nxt_main_log.level = NXT_LOG_INFO;
    mp = nxt_mp_create(4096, 128, 1024, 64);
    array = nxt_array_create(mp, 1, 8);
    list = nxt_list_create(mp, 1, 8);
    CHECK(json_fails() == 0);

    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    old = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);

    for (i = 0; i < nxt_nitems(panics); i++) {
        panic = &panics[i];

        nxt_panic_probe = panic->function;

        if (panic->fails() != 1 || nxt_panic_probe != NULL) {
            printf("%s() did not fail\n", panic->function);
            failures++;
        }

        if (told(ends[0], panic->function)) {
            records++;

        } else {
            printf("the panic of %s() is not in the log\n", panic->function);
        }

        CHECK(panic->fails() == 0);
    }

    dup2(old, STDERR_FILENO);
    CHECK(records == (int) nxt_nitems(panics));

    nxt_mp_destroy(mp);

    return REPORT("panics");
}
