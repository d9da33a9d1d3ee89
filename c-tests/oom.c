/*
 * No memory: each family runs in a process of its own whose address space is as
 * good as full, until it gets no more.  It has to answer its error value, and
 * the process has to live.
 */

#define _GNU_SOURCE

#include <nxt_main.h>
#include <nxt_port.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* What a process may take more than it has, and the most it tries. */
#define MORE  (8 << 20)
#define TRIES  (4 << 20)

extern char  **environ;

static nxt_mp_t   *mp;
static nxt_str_t  json;


static void
limit(void)
{
    long           pages;
    FILE           *file;
    struct rlimit  rlimit;

    pages = 0;
    file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%ld", &pages) != 1) {
        _exit(2);
    }

    fclose(file);

    rlimit.rlim_cur = (rlim_t) pages * (rlim_t) sysconf(_SC_PAGESIZE) + MORE;
    rlimit.rlim_max = rlimit.rlim_cur;

    if (setrlimit(RLIMIT_AS, &rlimit) != 0) {
        _exit(2);
    }
}


/* Each answers 0 as long as there is memory, and 1 when it was told of none. */

static int
heap(void)
{
    return nxt_malloc(1000) == NULL;
}


static int
zeroed(void)
{
    return nxt_zalloc(100000) == NULL;
}


static int
aligned(void)
{
    return nxt_memalign(4096, 5000) == NULL;
}


static int
pools(void)
{
    return nxt_mp_create(4096, 128, 1024, 64) == NULL;
}


static int
pool_small(void)
{
    return nxt_mp_alloc(mp, 40) == NULL;
}


static int
pool_large(void)
{
    return nxt_mp_get(mp, 70000) == NULL;
}


static int
arrays(void)
{
    static nxt_array_t  *array;

    if (array == NULL) {
        array = nxt_array_create(mp, 4, 64);
        return array == NULL;
    }

    return nxt_array_add(array) == NULL;
}


static int
lists(void)
{
    static nxt_list_t  *list;

    if (list == NULL) {
        list = nxt_list_create(mp, 16, 64);
        return list == NULL;
    }

    return nxt_list_add(list) == NULL;
}


static int
buffers(void)
{
    return nxt_buf_mem_alloc(mp, 3000, 0) == NULL;
}


static nxt_int_t
never(nxt_lvlhsh_query_t *lhq, void *data)
{
    (void) lhq;
    (void) data;

    return NXT_DECLINED;
}


static int
hashes(void)
{
    static nxt_lvlhsh_t  hash;
    static uint32_t      next;
    nxt_lvlhsh_query_t   query;

    static const nxt_lvlhsh_proto_t  proto = {
        NXT_LVLHSH_DEFAULT, never, nxt_mp_lvlhsh_alloc, nxt_mp_lvlhsh_free,
    };

    memset(&query, 0, sizeof(query));
    next++;
    query.key_hash = nxt_murmur_hash2(&next, sizeof(next));
    query.value = &hash;
    query.proto = &proto;
    query.pool = mp;

    return nxt_lvlhsh_insert(&hash, &query) == NXT_ERROR;
}


static int
strings(void)
{
    return nxt_str_dup(mp, NULL, &json) == NULL;
}


static int
documents(void)
{
    return nxt_conf_json_parse_str(mp, &json) == NULL;
}


static int
made_arrays(void)
{
    return nxt_conf_create_array(mp, 1000) == NULL;
}


static int
members(void)
{
    static char              text[3000];
    static nxt_str_t         name = nxt_string("name"), value;
    nxt_conf_value_t  *object;

    memset(text, 'x', sizeof(text));
    value.start = (u_char *) text;
    value.length = sizeof(text);

    object = nxt_conf_create_object(mp, 1);

    return object == NULL
           || nxt_conf_set_member_string_dup(object, mp, &name, &value, 0)
              != NXT_OK;
}


static int
copies(void)
{
    static nxt_conf_value_t  *value;

    if (value == NULL) {
        value = nxt_conf_json_parse_str(mp, &json);

        if (value == NULL) {
            return 1;
        }
    }

    return nxt_conf_clone(mp, NULL, value) == NULL;
}


static int
engines(void)
{
    return nxt_event_engine_create(&nxt_main_task, &nxt_epoll_edge_engine,
                                   NULL, 0, 0)
           == NULL;
}


static int
ports(void)
{
    return nxt_port_new(&nxt_main_task, 1, nxt_pid, NXT_PROCESS_ROUTER) == NULL;
}


static int
jobs(void)
{
    return nxt_job_create(NULL, 500) == NULL;
}


/* All is taken, then a text of its own length comes in and goes out. */

static int
uris(void)
{
    static u_char  *text;
    const size_t   size = 5 << 20;

    if (text == NULL) {
        text = malloc(size);

        if (text == NULL) {
            return 1;
        }

        memset(text, 'x', size);
    }

    return nxt_decode_uri(text, text, size) == NULL;
}


typedef struct {
    const char  *name;
    int         (*fails)(void);
} family_t;


static const family_t  families[] = {
    { "nxt_malloc", heap },
    { "nxt_zalloc", zeroed },
    { "nxt_memalign", aligned },
    { "nxt_mp_create", pools },
    { "nxt_mp_alloc", pool_small },
    { "nxt_mp_get", pool_large },
    { "nxt_array", arrays },
    { "nxt_list", lists },
    { "nxt_buf", buffers },
    { "nxt_lvlhsh", hashes },
    { "nxt_str_dup", strings },
    { "nxt_conf_json_parse", documents },
    { "nxt_conf_create_array", made_arrays },
    { "nxt_conf_set_member", members },
    { "nxt_conf_clone", copies },
    { "nxt_event_engine_create", engines },
    { "nxt_port_new", ports },
    { "nxt_job_create", jobs },
    { "nxt_decode_uri", uris },
};


/* The exit code: 0 if the error value came, again and again, and memory that
 * is given back is of use. */

static void
run(const family_t *family)
{
    int   i;
    void  *rest;

    /* Records of failures are of no interest here. */
    if (freopen("/dev/null", "w", stderr) == NULL) {
        _exit(2);
    }

    rest = malloc(1 << 20);
    limit();

    for (i = 0; i < TRIES && !family->fails(); i++) { }

    if (i == TRIES) {
        _exit(3);
    }

    for (i = 0; i < 100; i++) {
        (void) family->fails();
        nxt_log_alert(&nxt_main_log, "%s failed %d times", family->name, i);
    }

    free(rest);

    _exit(nxt_int_parse((u_char *) "12", 2) == 12 ? 0 : 4);
}


int
main(int argc, char **argv)
{
    int             status;
    pid_t           pid;
    size_t          i;
    static u_char   text[20000];
    const family_t  *family;

    (void) argc;

    if (nxt_lib_start("oom", argv, &environ) != NXT_OK) {
        return 1;
    }

    nxt_main_log.level = NXT_LOG_ALERT;
    mp = nxt_mp_create(4096, 128, 1024, 64);

    memset(text, '0', sizeof(text));
    text[0] = '[';
    text[sizeof(text) - 1] = ']';

    for (i = 2; i < sizeof(text) - 1; i += 2) {
        text[i] = ',';
    }

    json.start = text;
    json.length = sizeof(text);

    for (i = 0; i < nxt_nitems(families); i++) {
        family = &families[i];
        fflush(stdout);
        pid = fork();

        if (pid == 0) {
            run(family);
        }

        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
        checks++;

        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            printf("%s: %s %d\n", family->name,
                   WIFEXITED(status) ? "exit" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
            failures++;
        }
    }

    nxt_mp_destroy(mp);

    return REPORT("oom");
}
