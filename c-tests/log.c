/* Records through task->log->handler, as the macros of modules write them. */

#include <nxt_main.h>
#include <nxt_runtime.h>

#include "check.h"

static FILE        *file;
static nxt_log_t   module_log = { NXT_LOG_INFO, 0, nxt_log_time_handler, NULL, NULL };
static nxt_task_t  module_task = { NULL, &module_log, 0, NULL };
static nxt_task_t  *task = &module_task;


/* What was logged since the last call, without the time and the process. */
static const char *
record(void)
{
    size_t       length;
    const char   *text;
    static char  line[8192];

    rewind(file);
    length = fread(line, 1, sizeof(line) - 1, file);
    line[length] = '\0';
    rewind(file);
    (void) !ftruncate(fileno(file), 0);

    if (length == 0) {
        return "";
    }

    CHECK(line[length - 1] == '\n');
    CHECK(length <= NXT_MAX_ERROR_STR);
    line[length - 1] = '\0';

    text = strchr(line, '[');
    CHECK(text != NULL);

    return text;
}


static int
record_is(const char *expected)
{
    const char  *logged;

    logged = record();

    if (strcmp(logged, expected) != 0) {
        printf("logged:   %s\nexpected: %s\n", logged, expected);
        return 0;
    }

    return 1;
}


/* A record of the handler that the daemon gives to modules. */
static int
is(const char *level, const char *text)
{
    char  expected[8192];

    snprintf(expected, sizeof(expected), "[%s] %d#%d %s", level, (int) getpid(),
             (int) getpid(), text);

    return record_is(expected);
}


static u_char *
context(void *data, u_char *at, u_char *end)
{
    const char  *text = data;

    CHECK(at < end);

    return nxt_cpymem(at, text, nxt_min((size_t) (end - at), strlen(text)));
}


int
main(void)
{
    int        saved;
    char       *overlong;
    nxt_str_t  name = nxt_string("wsgi"), nothing = nxt_null_string;

    file = tmpfile();
    saved = dup(2);

    if (file == NULL || saved == -1 || dup2(fileno(file), 2) == -1) {
        perror("tmpfile");
        return 1;
    }

    nxt_alert(task, "module \"%V\" failed %E", &name, ENOENT);
    CHECK(is("alert", "module \"wsgi\" failed (2: No such file or directory)"));

    nxt_log(task, NXT_LOG_ERR, "%s:%d, %uD of %z", "a.py", -7, 4000000000u,
            (ssize_t) -1);
    CHECK(is("error", "a.py:-7, 4000000000 of -1"));

    nxt_log(task, NXT_LOG_WARN, "%*s|%05d|%4ui|%xl|%c|%%", (size_t) 3, "abcdef",
            42, 9u, 255l, 'z');
    CHECK(is("warn", "abc|00042|   9|ff|z|%"));

    nxt_log(task, NXT_LOG_NOTICE, "%O %T %M %N %PI %FD %b %f %.2f",
            (nxt_off_t) -5, (nxt_time_t) 1234567890123, (nxt_msec_t) -1,
            (nxt_nsec_t) 7, (nxt_pid_t) 12, (nxt_fd_t) -1, (nxt_bool_t) 1, 0.5,
            2.0);
    CHECK(is("notice", "-5 1234567890123 -1 7 12 -1 1 0.5 2.00"));

    /* More arguments than fit registers, of both kinds. */

    nxt_log(task, NXT_LOG_INFO, "%d%d%d%d%d%d%d%d %f%f%f%f%f%f%f%f%f%f %V%p",
            1, 2, 3, 4, 5, 6, 7, 8, 1., 2., 3., 4., 5., 6., 7., 8., 9., 1.5,
            &name, (void *) 0xABC);
    CHECK(is("info", "12345678 1234567891.5 wsgiABC"));

    nxt_alert(task, "<%V><%V><%s><%*s>", &nothing, NULL, NULL, (size_t) 9, NULL);
    CHECK(is("alert", "<><><[null]><[null]>"));

    nxt_log(task, NXT_LOG_DEBUG, "below the log's level");
    CHECK(*record() == '\0');

    nxt_debug(task, "nothing in this ABI");
    CHECK(*record() == '\0');

    module_log.ident = 17;
    nxt_alert(task, "connection");
    CHECK(is("alert", "*17 connection"));
    module_log.ident = 0;

    module_log.ctx_handler = context;
    module_log.ctx = (void *) ", client: 10.0.0.1";
    nxt_log_alert(&module_log, "refused");
    CHECK(is("alert", "refused, client: 10.0.0.1"));
    module_log.ctx_handler = NULL;

    overlong = malloc(100000);
    memset(overlong, 'x', 99999);
    overlong[99999] = '\0';
    nxt_alert(task, "%s", overlong);
    CHECK(strlen(record()) > 1900);
    free(overlong);

    nxt_log_handler(99, NULL, "no log");
    CHECK(record_is("[debug] no log"));
    nxt_log_handler(0, NULL, NULL);
    CHECK(*record() == '\0');

    dup2(saved, 2);

    return REPORT("log");
}
