/*
 * A program of its own on the process and port functions: it starts a runtime,
 * defines two types of processes, and lets them talk.  The client asks the
 * server by RPC, with descriptors, with long messages and with shared memory,
 * and lets it die twice; main starts it again each time.
 */

#include <nxt_main.h>
#include <nxt_runtime.h>
#include <nxt_port.h>
#include <nxt_main_process.h>
#include <nxt_port_memory_int.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* More than three pieces, but not more than goes in a row. */
#define LONG_SIZE  60000
#define SHARED_SIZE  50000

/* What happened, in memory that all processes share. */
typedef struct {
    int  prefork[2];
    int  setup[2];
    int  start[2];
    int  ready;
    int  ready_last;
    int  error;
    int  cancelled;
    int  descriptor;
    int  long_message;
    int  shared_memory;
    int  released;
    int  completed;
    int  timer;
    int  peer_died;
    int  deaths_told;
    int  restarted;
    int  quit;
    int  failed;
} seen_t;

static seen_t  *seen;

#define CHECK(what)                                                           \
    do {                                                                      \
        if (!(what)) {                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);        \
            seen->failed++;                                                   \
        }                                                                     \
    } while (0)

#include "host_runtime.h"


static uint32_t
sum(const u_char *p, size_t size, uint32_t start)
{
    size_t  i;

    for (i = 0; i < size; i++) {
        start = start * 31 + p[i];
    }

    return start;
}


static size_t
content(nxt_buf_t *b, uint32_t *total)
{
    size_t  size, used;

    *total = 0;

    for (size = 0; b != NULL; b = b->next) {
        used = nxt_buf_mem_used_size(&b->mem);
        *total = sum(b->mem.pos, used, *total);
        size += used;
    }

    return size;
}


static void
completed(nxt_task_t *task, void *obj, void *data)
{
    nxt_buf_t  *b;

    (void) task;
    (void) data;

    b = obj;
    seen->completed++;
    nxt_mp_free(b->data, b);
}


static nxt_buf_t *
text(nxt_task_t *task, const void *start, size_t size)
{
    nxt_buf_t  *b;

    b = nxt_buf_mem_alloc(task->thread->engine->mem_pool, size, 0);
    CHECK(b != NULL);
    memcpy(b->mem.free, start, size);
    b->mem.free += size;
    b->completion_handler = completed;

    return b;
}


/* The server. */

static void
server_new_port(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    nxt_port_new_port_handler(task, msg);

    CHECK(msg->u.new_port != NULL);
    CHECK(nxt_port_socket_write(task, msg->u.new_port, NXT_PORT_MSG_DATA_LAST,
                                -1, 0, 0, text(task, "hello", 5)) == NXT_OK);
}


static void
server_data(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    char        c;
    size_t      size;
    uint32_t    total;
    nxt_int_t   ret;
    nxt_port_t  *port;
    uint32_t    answer[2];

    CHECK(nxt_recv_msg_cmsg_pid(msg) == msg->port_msg.pid);

    port = nxt_runtime_port_find(task->thread->runtime, msg->port_msg.pid,
                                 msg->port_msg.reply_port);
    CHECK(port != NULL);

    if (port == NULL) {
        return;
    }

    size = content(msg->buf, &total);
    CHECK(size == msg->size);
    c = size != 0 ? *msg->buf->mem.pos : 0;

    ret = NXT_OK;

    switch (c) {

    case 'r':
        ret = nxt_port_socket_write(task, port, NXT_PORT_MSG_RPC_READY, -1,
                                    msg->port_msg.stream, 0,
                                    text(task, "first", 5));
        CHECK(ret == NXT_OK);
        ret = nxt_port_socket_write(task, port, NXT_PORT_MSG_RPC_READY_LAST,
                                    -1, msg->port_msg.stream, 0, NULL);
        break;

    case 'e':
        ret = nxt_port_socket_write(task, port, NXT_PORT_MSG_RPC_ERROR, -1,
                                    msg->port_msg.stream, 0, NULL);
        break;

    case 'd':
        CHECK(msg->fd[0] != -1);
        CHECK(msg->fd[1] != -1);
        CHECK(write(msg->fd[0], "one", 3) == 3);
        CHECK(write(msg->fd[1], "two", 3) == 3);
        close(msg->fd[0]);
        close(msg->fd[1]);
        ret = nxt_port_socket_write(task, port, NXT_PORT_MSG_RPC_READY_LAST,
                                    -1, msg->port_msg.stream, 0, NULL);
        break;

    case 'l':
    case 's':
        CHECK((c == 's') == (msg->port_msg.mmap != 0));
        answer[0] = size;
        answer[1] = total;
        ret = nxt_port_socket_write(task, port, NXT_PORT_MSG_RPC_READY_LAST,
                                    -1, msg->port_msg.stream, 0,
                                    text(task, answer, sizeof(answer)));
        break;

    case 'v':
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        break;

    case 'x':
        _exit(3);

    default:
        CHECK(0);
    }

    CHECK(ret == NXT_OK);
}


/* The client goes from step to step, each of which ends with an answer. */

static nxt_port_mmaps_t  outgoing;
static nxt_port_t        *server;
static nxt_pid_t         server_pid;
static u_char            message[LONG_SIZE];
static int               pipe_fd[2];
static uint32_t          expected[2];
static nxt_timer_t       timer;
static nxt_port_mmap_header_t  *segment;

static void client_step(nxt_task_t *task, int step);


static uint32_t
request(nxt_task_t *task, int step, nxt_port_rpc_handler_t ready,
    nxt_port_rpc_handler_t error)
{
    uint32_t    stream;
    nxt_port_t  *own;

    own = task->thread->runtime->port_by_type[NXT_PROCESS_ROUTER];
    stream = nxt_port_rpc_register_handler(task, own, ready, error,
                                           server->pid,
                                           (void *) (intptr_t) step);
    CHECK(stream != 0);

    return stream;
}


static void
send_request(nxt_task_t *task, uint32_t stream, int fd, int fd2, nxt_buf_t *b)
{
    nxt_int_t   ret;
    nxt_port_t  *own;

    own = task->thread->runtime->port_by_type[NXT_PROCESS_ROUTER];
    ret = nxt_port_socket_write2(task, server, NXT_PORT_MSG_DATA, fd, fd2,
                                 stream, own->id, b);
    CHECK(ret == NXT_OK);
}


static void
unexpected(nxt_task_t *task, nxt_port_recv_msg_t *msg, void *data)
{
    (void) task;
    (void) msg;
    (void) data;

    CHECK(!"an answer that nobody expects");
}


static void
client_ready(nxt_task_t *task, nxt_port_recv_msg_t *msg, void *data)
{
    int       step;
    char      read_back[6];
    uint32_t  answer[2];

    step = (int) (intptr_t) data;

    switch (step) {

    case 1:
        if (!msg->port_msg.last) {
            CHECK(nxt_buf_mem_used_size(&msg->buf->mem) == 5);
            CHECK(memcmp(msg->buf->mem.pos, "first", 5) == 0);
            seen->ready++;
            return;
        }

        seen->ready_last++;
        break;

    case 3:
        CHECK(read(pipe_fd[0], read_back, 6) == 6);
        CHECK(memcmp(read_back, "onetwo", 6) == 0);
        close(pipe_fd[0]);
        seen->descriptor++;
        break;

    case 4:
    case 5:
        CHECK(msg->size == sizeof(answer));
        memcpy(answer, msg->buf->mem.pos, sizeof(answer));
        CHECK(answer[0] == expected[0]);
        CHECK(answer[1] == expected[1]);

        if (step == 4) {
            seen->long_message++;

        } else {
            seen->shared_memory++;
        }

        break;

    default:
        CHECK(0);
    }

    client_step(task, step + 1);
}


static void
client_error(nxt_task_t *task, nxt_port_recv_msg_t *msg, void *data)
{
    (void) msg;

    CHECK((intptr_t) data == 2);
    CHECK(msg->port_msg.type == _NXT_PORT_MSG_RPC_ERROR);
    seen->error++;
    client_step(task, 3);
}


static void
client_peer_died(nxt_task_t *task, nxt_port_recv_msg_t *msg, void *data)
{
    (void) task;
    (void) data;

    CHECK(msg->port_msg.type == _NXT_PORT_MSG_REMOVE_PID);
    CHECK(msg->u.removed_pid == server_pid);
    seen->peer_died++;
    server = NULL;
}


static void
client_timer(nxt_task_t *task, void *obj, void *data)
{
    (void) obj;
    (void) data;

    seen->timer++;
    client_step(task, 7);
}


static void
client_step(nxt_task_t *task, int step)
{
    int                      i;
    uint32_t                 stream, total;
    nxt_buf_t                *b;
    nxt_port_t               *port, *own;
    nxt_port_mmap_handler_t  *handler;

    switch (step) {

    case 1:
        own = task->thread->runtime->port_by_type[NXT_PROCESS_ROUTER];
        stream = request(task, 0, unexpected, unexpected);
        nxt_port_rpc_cancel(task, own, stream);
        seen->cancelled++;

        stream = request(task, 1, client_ready, unexpected);
        send_request(task, stream, -1, -1, text(task, "r", 1));
        break;

    case 2:
        stream = request(task, 2, unexpected, client_error);
        send_request(task, stream, -1, -1, text(task, "e", 1));
        break;

    case 3:
        CHECK(pipe(pipe_fd) == 0);
        i = dup(pipe_fd[1]);
        stream = request(task, 3, client_ready, unexpected);
        send_request(task, stream, pipe_fd[1], i, text(task, "d", 1));
        close(pipe_fd[1]);
        close(i);
        break;

    case 4:
        for (i = 0; i < LONG_SIZE; i++) {
            message[i] = i * 7 + i / 256;
        }

        message[0] = 'l';
        expected[0] = LONG_SIZE;
        expected[1] = sum(message, LONG_SIZE, 0);

        /* A chain of two. */
        b = text(task, message, 30000);
        b->next = text(task, message + 30000, LONG_SIZE - 30000);

        stream = request(task, 4, client_ready, unexpected);
        send_request(task, stream, -1, -1, b);
        break;

    case 5:
        b = nxt_port_mmap_get_buf(task, &outgoing, SHARED_SIZE);
        CHECK(b != NULL);
        CHECK(nxt_buf_is_port_mmap(b));
        CHECK(b->mem.end - b->mem.free == 4 * PORT_MMAP_CHUNK_SIZE);

        handler = b->parent;
        segment = handler->hdr;
        segment->dst_pid = server->pid;
        CHECK(nxt_port_socket_write(task, server, NXT_PORT_MSG_MMAP,
                                    handler->fd, 0, 0, NULL) == NXT_OK);

        message[0] = 's';
        memcpy(b->mem.free, message, SHARED_SIZE);
        b->mem.free += SHARED_SIZE;

        /* And one more of one chunk. */
        b->next = nxt_port_mmap_get_buf(task, &outgoing, 100);
        CHECK(b->next != NULL);
        CHECK(nxt_port_mmap_increase_buf(task, b->next, 20000, 20000)
              == NXT_OK);
        CHECK(b->next->mem.end - b->next->mem.free
              == 2 * PORT_MMAP_CHUNK_SIZE);
        memcpy(b->next->mem.free, message, 20000);
        b->next->mem.free += 20000;

        expected[0] = SHARED_SIZE + 20000;
        total = sum(message, SHARED_SIZE, 0);
        expected[1] = sum(message, 20000, total);

        for (i = 0; i < 6; i++) {
            CHECK(nxt_port_mmap_get_chunk_busy(segment->free_map, i));
        }

        stream = request(task, 5, client_ready, unexpected);
        send_request(task, stream, -1, -1, b);
        break;

    case 6:
        nxt_memzero(&timer, sizeof(timer));
        timer.work_queue = &task->thread->engine->fast_work_queue;
        timer.handler = client_timer;
        timer.task = &task->thread->engine->task;
        timer.log = timer.task->log;
        nxt_timer_add(task->thread->engine, &timer, 50);
        break;

    case 7:
        /* By now the server has released what it got. */
        for (i = 0; i < 10; i++) {
            CHECK(!nxt_port_mmap_get_chunk_busy(segment->free_map, i));
        }

        seen->released++;
        stream = request(task, 7, unexpected, client_peer_died);
        server_pid = server->pid;
        send_request(task, stream, -1, -1, text(task, "v", 1));
        break;

    case 8:
        stream = request(task, 8, unexpected, client_peer_died);
        server_pid = server->pid;
        send_request(task, stream, -1, -1, text(task, "x", 1));
        break;

    case 9:
        port = task->thread->runtime->port_by_type[NXT_PROCESS_MAIN];
        CHECK(nxt_port_socket_write(task, port, NXT_PORT_MSG_DATA, -1, 0, 0,
                                    text(task, "q", 1)) == NXT_OK);
        break;

    default:
        CHECK(0);
    }
}


static void
client_data(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    CHECK(msg->size == 5);
    CHECK(memcmp(msg->buf->mem.pos, "hello", 5) == 0);

    server = task->thread->runtime->port_by_type[NXT_PROCESS_CONTROLLER];
    CHECK(server != NULL);

    client_step(task, 1);
}


/* Main sends the port of a server that it has started again. */

static void
client_new_port(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    nxt_port_new_port_handler(task, msg);

    CHECK(msg->u.new_port != NULL);
    CHECK(msg->u.new_port->type == NXT_PROCESS_CONTROLLER);
    server = msg->u.new_port;
    seen->restarted++;

    client_step(task, 7 + seen->restarted);
}


static void
client_remove_pid(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    nxt_port_remove_pid_handler(task, msg);
    CHECK(msg->u.removed_pid == server_pid);
    seen->deaths_told++;
}


static void
process_quit(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    seen->quit++;
    nxt_port_quit_handler(task, msg);
}


/* What both have in common; the first index is 0 for the server. */

static nxt_int_t
process_prefork(nxt_task_t *task, nxt_process_t *process, nxt_mp_t *mp)
{
    nxt_process_init_t  *init;

    (void) task;

    init = nxt_process_init(process);
    CHECK(mp != NULL);
    CHECK(getpid() == nxt_pid);
    seen->prefork[init->type == NXT_PROCESS_ROUTER]++;

    return NXT_OK;
}


static nxt_int_t
process_setup(nxt_task_t *task, nxt_process_t *process)
{
    CHECK(getpid() == nxt_pid);
    CHECK(getppid() == nxt_ppid);
    CHECK(process->pid == nxt_pid);
    CHECK(nxt_process_type(process) == task->thread->runtime->type);
    seen->setup[nxt_process_type(process) == NXT_PROCESS_ROUTER]++;

    return nxt_process_core_setup(task, process);
}


static nxt_int_t
process_start(nxt_task_t *task, nxt_process_data_t *data)
{
    CHECK(data != NULL);
    seen->start[task->thread->runtime->type == NXT_PROCESS_ROUTER]++;

    return nxt_thread_mutex_create(&outgoing.mutex);
}


static const nxt_port_handlers_t  server_handlers = {
    .quit       = process_quit,
    .new_port   = server_new_port,
    .mmap       = nxt_port_mmap_handler,
    .remove_pid = nxt_port_remove_pid_handler,
    .data       = server_data,
};

static const nxt_port_handlers_t  client_handlers = {
    .quit       = process_quit,
    .new_port   = client_new_port,
    .remove_pid = client_remove_pid,
    .data       = client_data,
    .rpc_ready  = nxt_port_rpc_handler,
    .rpc_error  = nxt_port_rpc_handler,
};

static const nxt_process_init_t  server_process = {
    .name          = "server",
    .type          = NXT_PROCESS_CONTROLLER,
    .prefork       = process_prefork,
    .restart       = 1,
    .setup         = process_setup,
    .start         = process_start,
    .port_handlers = &server_handlers,
    .signals       = nxt_process_signals,
};

static const nxt_process_init_t  client_process = {
    .name          = "client",
    .type          = NXT_PROCESS_ROUTER,
    .prefork       = process_prefork,
    .restart       = 1,
    .setup         = process_setup,
    .start         = process_start,
    .port_handlers = &client_handlers,
    .signals       = nxt_process_signals,
};


/* Main. */

static void
main_ready(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    nxt_int_t       ret;
    nxt_process_t   *process;
    static int      started;

    nxt_port_process_ready_handler(task, msg);

    process = nxt_runtime_process_find(task->thread->runtime,
                                       msg->port_msg.pid);
    CHECK(process != NULL);
    CHECK(process->state == NXT_PROCESS_STATE_READY);

    if (!started) {
        started = 1;
        ret = nxt_process_init_start(task, client_process);
        CHECK(ret == NXT_OK || ret == NXT_AGAIN);
    }
}


static void
main_data(nxt_task_t *task, nxt_port_recv_msg_t *msg)
{
    (void) task;

    CHECK(msg->size == 1);
    raise(SIGTERM);
}


static const nxt_port_handlers_t  main_handlers = {
    .new_port      = nxt_port_new_port_handler,
    .process_ready = main_ready,
    .remove_pid    = nxt_port_remove_pid_handler,
    .data          = main_data,
};


static void
main_start(nxt_task_t *task, nxt_uint_t status)
{
    (void) status;

    become_main(task, &main_handlers, server_process);
}


int
main(int argc, char **argv)
{
    int    status;
    char   folder[] = "/tmp/nxt-host-XXXXXX", command[200];
    pid_t  pid;

    (void) argc;

    seen = mmap(NULL, sizeof(seen_t), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (seen == MAP_FAILED || mkdtemp(folder) == NULL) {
        return 1;
    }

    pid = fork();

    if (pid == 0) {
        run_runtime(folder, argv, main_start);
        return 1;
    }

    if (waitpid(pid, &status, 0) != pid) {
        return 1;
    }

    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(seen->prefork[0] == 3);
    CHECK(seen->setup[0] == 3);
    CHECK(seen->start[0] == 3);
    CHECK(seen->prefork[1] == 1);
    CHECK(seen->setup[1] == 1);
    CHECK(seen->start[1] == 1);
    CHECK(seen->ready == 1);
    CHECK(seen->ready_last == 1);
    CHECK(seen->error == 1);
    CHECK(seen->cancelled == 1);
    CHECK(seen->descriptor == 1);
    CHECK(seen->long_message == 1);
    CHECK(seen->shared_memory == 1);
    CHECK(seen->released == 1);
    CHECK(seen->timer == 1);
    CHECK(seen->peer_died == 2);
    CHECK(seen->deaths_told == 2);
    CHECK(seen->restarted == 2);
    CHECK(seen->quit == 2);
    CHECK(seen->completed == 12);

    snprintf(command, sizeof(command), "%s %s/log",
             seen->failed != 0 ? "cat >&2" : "grep -q 'exited on signal 11'",
             folder);
    CHECK(system(command) == 0);

    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK(system(command) == 0);

    if (seen->failed == 0) {
        printf("host_process: passed\n");
    }

    return seen->failed != 0;
}
