/*
 * A runtime of a test program, with its files in a folder.  CHECK is the
 * program's own, because its processes share what they have seen.
 */

#ifndef HOST_RUNTIME_H
#define HOST_RUNTIME_H

#include <nxt_main.h>
#include <nxt_runtime.h>
#include <nxt_port.h>
#include <nxt_main_process.h>

#include <stdio.h>
#include <string.h>

extern char  **environ;


/* Runs the engine; start is called in it first. */
static void
run_runtime(char *folder, char **main_argv,
    void (*start)(nxt_task_t *task, nxt_uint_t status))
{
    nxt_runtime_t  *rt;
    char           log[100], pid[100], control[100];
    char           *options[] = {
        "host", "--no-daemon", "--log", log, "--pid", pid, "--control", control,
        "--statedir", folder, "--tmpdir", folder, "--modulesdir", folder,
        "--user", "root", "--group", "root", NULL
    };

    snprintf(log, sizeof(log), "%s/log", folder);
    snprintf(pid, sizeof(pid), "%s/pid", folder);
    snprintf(control, sizeof(control), "unix:%s/control", folder);

    CHECK(nxt_lib_start("host", main_argv, &environ) == NXT_OK);
    nxt_process_argv = options;
    nxt_main_log.level = NXT_LOG_INFO;
    nxt_main_log.handler = nxt_log_time_handler;

    CHECK(nxt_runtime_create(&nxt_main_task) == NXT_OK);

    rt = nxt_main_task.thread->runtime;
    CHECK(rt != NULL);
    CHECK(rt->daemon == 0);
    CHECK(strcmp(rt->log, log) == 0);
    rt->start = start;

    nxt_event_engine_start(nxt_main_task.thread->engine);
}


/* Makes this process main, with a port, and starts another process. */
static void
become_main(nxt_task_t *task, const nxt_port_handlers_t *handlers,
    const nxt_process_init_t init)
{
    nxt_int_t      ret;
    nxt_port_t     *port;
    nxt_runtime_t  *rt;

    rt = task->thread->runtime;
    rt->type = NXT_PROCESS_MAIN;

    port = nxt_runtime_process_port_create(task, rt, nxt_pid, 0,
                                           NXT_PROCESS_MAIN);
    CHECK(port != NULL);
    CHECK(nxt_runtime_port_find(rt, nxt_pid, 0) == port);
    CHECK(nxt_port_socket_init(task, port, 0) == NXT_OK);

    nxt_port_enable(task, port, handlers);
    port->process->state = NXT_PROCESS_STATE_READY;

    ret = nxt_process_init_start(task, init);
    CHECK(ret == NXT_OK || ret == NXT_AGAIN);
}

#endif /* HOST_RUNTIME_H */
