/*
 * A process in namespaces of its own: main maps its users and tells it who it
 * is, because it cannot see its own number.
 */

#define _GNU_SOURCE

#include <nxt_main.h>
#include <nxt_runtime.h>
#include <nxt_port.h>
#include <nxt_main_process.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLAGS  (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS)
#define NAME  "inner-name"

/* What happened, in memory that all processes share. */
typedef struct {
    nxt_pid_t  whoami;
    nxt_pid_t  told;
    int        created;
    int        mapped;
    int        setup;
    int        start;
    int        quit;
    int        data;
    int        checks;
    int        failed;
} seen_t;

static seen_t                 *seen;
static nxt_clone_map_entry_t  users, groups;

#define CHECK(what)                                                           \
    do {                                                                      \
        seen->checks++;                                                       \
        if (!(what)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);        \
            seen->failed++;                                                   \
        }                                                                     \
    } while (0)

#include "host_runtime.h"


static int
map_is(const char *path, const char *wanted)
{
    int   n;
    long  inside, outside, size;
    char  text[64];
    FILE  *file;

    file = fopen(path, "r");

    if (file == NULL) {
        return 0;
    }

    n = fscanf(file, "%ld %ld %ld", &inside, &outside, &size);
    fclose(file);

    snprintf(text, sizeof(text), "%ld %ld %ld", inside, outside, size);

    return n == 3 && strcmp(text, wanted) == 0;
}


/* The isolated process. */

static nxt_int_t
inner_prefork(nxt_task_t *task, nxt_process_t *process, nxt_mp_t *mp)
{
    (void) task;
    (void) mp;

    process->isolation.clone.flags = FLAGS;
    process->isolation.clone.uidmap.size = 1;
    process->isolation.clone.uidmap.map = &users;
    process->isolation.clone.gidmap.size = 1;
    process->isolation.clone.gidmap.map = &groups;

    return NXT_OK;
}


static nxt_int_t
inner_setup(nxt_task_t *task, nxt_process_t *process)
{
    struct utsname  name;

    seen->setup++;

    /* By now main has told the number that the others know. */
    CHECK(getpid() == 1);
    CHECK(nxt_pid == seen->told && nxt_pid != 1);
    CHECK(process->pid == nxt_pid);
    CHECK(nxt_process_port_first(process)->pid == nxt_pid);
    CHECK(task->thread->runtime->is_pid_isolated);

    /* Not that of the machine. */
    if (getpid() == 1) {
        CHECK(sethostname(NAME, strlen(NAME)) == 0);
        CHECK(uname(&name) == 0 && strcmp(name.nodename, NAME) == 0);
    }

    /* Main maps the users before it starts. */
    process->state = NXT_PROCESS_STATE_CREATED;

    return NXT_OK;
}


static nxt_int_t
inner_start(nxt_task_t *task, nxt_process_data_t *data)
{
    nxt_port_t  *main_port;

    (void) data;

    seen->start++;

    CHECK(map_is("/proc/self/uid_map", "0 0 1"));
    CHECK(map_is("/proc/self/gid_map", "0 0 1"));
    CHECK(getuid() == 0 && getgid() == 0);

    main_port = task->thread->runtime->port_by_type[NXT_PROCESS_MAIN];

    return nxt_port_socket_write(task, main_port, NXT_PORT_MSG_DATA_LAST, -1,
                                 0, 0, NULL);
}


static void
inner_quit(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    seen->quit++;
    nxt_port_quit_handler(task, msg);
}


static const nxt_port_handlers_t  inner_handlers = {
    .quit       = inner_quit,
    .new_port   = nxt_port_new_port_handler,
    .remove_pid = nxt_port_remove_pid_handler,
    .rpc_ready  = nxt_port_rpc_handler,
    .rpc_error  = nxt_port_rpc_handler,
};

static const nxt_process_init_t  inner_process = {
    .name          = "inner",
    .type          = NXT_PROCESS_ROUTER,
    .prefork       = inner_prefork,
    .setup         = inner_setup,
    .start         = inner_start,
    .port_handlers = &inner_handlers,
    .signals       = nxt_process_signals,
};


/* Main. */

static void
answer(nxt_task_t *task, nxt_port_recv_msg_t *msg, nxt_process_t *process,
    uint32_t type, nxt_buf_t *b)
{
    CHECK(nxt_port_socket_write(task, nxt_process_port_first(process), type,
                                -1, msg->port_msg.stream, 0, b) == NXT_OK);
}


static void
main_whoami(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    nxt_buf_t      *b;
    nxt_pid_t      parent;
    nxt_process_t  *process;

    /* The message has the number that the process has inside, the kernel
     * tells the one outside. */
    seen->whoami = msg->port_msg.pid;
    seen->told = nxt_recv_msg_cmsg_pid(msg);

    CHECK(nxt_buf_mem_used_size(&msg->buf->mem) == sizeof(parent));
    memcpy(&parent, msg->buf->mem.pos, sizeof(parent));
    CHECK(parent == nxt_pid);

    process = nxt_runtime_process_find(task->thread->runtime, seen->told);
    CHECK(process != NULL && process->isolation.clone.flags == FLAGS);

    b = nxt_buf_mem_alloc(task->thread->engine->mem_pool, sizeof(nxt_pid_t), 0);
    CHECK(b != NULL);

    if (process != NULL && b != NULL) {
        b->mem.free = nxt_cpymem(b->mem.free, &seen->told, sizeof(nxt_pid_t));
        answer(task, msg, process, NXT_PORT_MSG_RPC_READY_LAST, b);
    }
}


static void
main_created(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    nxt_process_t  *process;

    seen->created++;

    process = nxt_runtime_process_find(task->thread->runtime,
                                       msg->port_msg.pid);
    CHECK(process != NULL);

    if (process == NULL) {
        return;
    }

    CHECK(nxt_clone_credential_map(task, process->pid, process->user_cred, NULL)
          == NXT_ERROR);

    seen->mapped = nxt_clone_credential_map(task, process->pid,
                                            process->user_cred,
                                            &process->isolation.clone)
                   == NXT_OK;

    answer(task, msg, process,
           seen->mapped ? NXT_PORT_MSG_RPC_READY_LAST : NXT_PORT_MSG_RPC_ERROR,
           NULL);
}


static void
main_data(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    (void) task;
    (void) msg;

    seen->data++;
    raise(SIGTERM);
}


static const nxt_port_handlers_t  main_handlers = {
    .new_port        = nxt_port_new_port_handler,
    .process_created = main_created,
    .process_ready   = nxt_port_process_ready_handler,
    .whoami          = main_whoami,
    .remove_pid      = nxt_port_remove_pid_handler,
    .data            = main_data,
};


static void
main_start(nxt_task_t *task, nxt_uint_t status)
{
    (void) status;

    become_main(task, &main_handlers, inner_process);
}


static int
possible(void)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        _exit(geteuid() != 0 || unshare(FLAGS) != 0);
    }

    return waitpid(pid, &status, 0) == pid && status == 0;
}


int
main(int argc, char **argv)
{
    int             status;
    char            folder[] = "/tmp/nxt-host-XXXXXX", command[200];
    pid_t           pid;
    struct utsname  before, after;

    (void) argc;

    if (!possible()) {
        printf("host_isolation: skipped, this needs root and namespaces\n");
        return 0;
    }

    seen = mmap(NULL, sizeof(seen_t), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (seen == MAP_FAILED || mkdtemp(folder) == NULL) {
        return 1;
    }

    /* Root is root inside. */
    users.size = 1;
    groups.size = 1;

    CHECK(uname(&before) == 0);
    pid = fork();

    if (pid == 0) {
        alarm(30);
        run_runtime(folder, argv, main_start);
        return 1;
    }

    if (waitpid(pid, &status, 0) != pid) {
        return 1;
    }

    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(uname(&after) == 0);
    CHECK(strcmp(before.nodename, after.nodename) == 0);
    CHECK(seen->whoami == 1);
    CHECK(seen->told > 1);
    CHECK(seen->setup == 1);
    CHECK(seen->created == 1);
    CHECK(seen->mapped == 1);
    CHECK(seen->start == 1);
    CHECK(seen->data == 1);
    CHECK(seen->quit == 1);

    if (seen->failed != 0) {
        snprintf(command, sizeof(command), "cat %s/log >&2", folder);
        (void) !system(command);
    }

    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK(system(command) == 0);

    printf("host_isolation: %d checks, %d failed\n", seen->checks,
           seen->failed);

    return seen->failed != 0;
}
