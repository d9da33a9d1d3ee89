/* The process and port functions with what they cannot use. */

#include <nxt_main.h>
#include <nxt_runtime.h>
#include <nxt_port.h>
#include <nxt_main_process.h>
#include <nxt_port_memory_int.h>

#include <string.h>

#include "check.h"

extern char  **environ;

static int  calls;


static void
count(nxt_task_t *task, void *obj, void *data)
{
    (void) task;
    (void) obj;
    (void) data;

    calls++;
}


static void
nothing(nxt_task_t *task)
{
    nxt_port_recv_msg_t  msg;

    memset(&msg, 0, sizeof(msg));
    msg.fd[0] = -1;
    msg.fd[1] = -1;

    CHECK(nxt_event_engine_create(NULL, NULL, NULL, 0, 0) == NULL);
    CHECK(nxt_event_engine_change(NULL, NULL, 0) == NXT_ERROR);
    nxt_event_engine_free(NULL);
    nxt_event_engine_start(NULL);
    nxt_event_engine_post(NULL, NULL);
    CHECK(nxt_timers_init(NULL, 1) == NXT_ERROR);
    nxt_timer_add(NULL, NULL, 1);
    CHECK(nxt_timer_delete(NULL, NULL) == 0);
    CHECK(nxt_timer_find(NULL) == NXT_INFINITE_MSEC);
    nxt_work_queue_add(NULL, count, task, NULL, NULL);
    CHECK(nxt_thread_pool_create(1, 1, NULL, NULL, NULL) == NULL);
    CHECK(nxt_thread_pool_post(NULL, NULL) == NXT_ERROR);
    nxt_thread_pool_destroy(NULL);

    CHECK(nxt_port_socket_init(task, NULL, 0) == NXT_ERROR);
    CHECK(nxt_port_socket_write(task, NULL, NXT_PORT_MSG_DATA, -1, 0, 0, NULL)
          == NXT_ERROR);
    CHECK(nxt_port_send_port(task, NULL, NULL, 0) == NXT_ERROR);
    CHECK(nxt_port_post(task, NULL, NULL, NULL) == NXT_ERROR);
    nxt_port_close(task, NULL);
    nxt_port_destroy(NULL);
    nxt_port_use(task, NULL, -1);
    nxt_port_enable(task, NULL, NULL);
    nxt_port_new_port_handler(task, NULL);
    nxt_port_new_port_handler(task, &msg);
    nxt_port_mmap_handler(task, &msg);
    nxt_port_remove_pid_handler(task, &msg);
    nxt_port_change_log_file_handler(task, &msg);
    nxt_port_rpc_handler(task, &msg);

    CHECK(nxt_port_rpc_register_handler(task, NULL, NULL, NULL, -1, NULL) == 0);
    CHECK(nxt_port_rpc_register_handler_ex(task, NULL, NULL, NULL, 1) == NULL);
    CHECK(nxt_port_rpc_ex_stream(NULL) == 0);
    nxt_port_rpc_cancel(task, NULL, 1);
    nxt_port_rpc_remove_peer(task, NULL, 1);

    CHECK(nxt_port_mmap_get_buf(task, NULL, 1) == NULL);
    CHECK(nxt_port_mmap_increase_buf(task, NULL, 1, 1) == NXT_ERROR);
    CHECK(nxt_port_incoming_port_mmap(task, NULL, -1) == NULL);
    CHECK(nxt_shm_open(task, (size_t) -1) == -1);
    nxt_port_mmaps_destroy(NULL, 1);

    CHECK(nxt_port_hash_add(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_port_hash_find(NULL, 1, 1) == NULL);
    CHECK(nxt_port_hash_remove(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_port_hash_retrieve(NULL) == NULL);

    CHECK(nxt_process_new(NULL) == NULL);
    CHECK(nxt_process_start(task, NULL) == NXT_ERROR);
    CHECK(nxt_process_core_setup(task, NULL) == NXT_ERROR);
    CHECK(nxt_process_creds_set(task, NULL, NULL, NULL) == NXT_ERROR);
    CHECK(nxt_process_execute(task, NULL, NULL, NULL) == -1);
    nxt_process_close_ports(task, NULL);

    CHECK(nxt_runtime_create(NULL) == NXT_ERROR);
    CHECK(nxt_runtime_process_find(NULL, 1) == NULL);
    CHECK(nxt_runtime_process_port_create(task, NULL, 1, 0, 0) == NULL);
    CHECK(nxt_runtime_port_find(NULL, 1, 0) == NULL);
    CHECK(nxt_runtime_log_file_add(NULL, NULL) == NULL);
    CHECK(nxt_current_directory(NULL) == NULL);
    CHECK(nxt_main_process_start(NULL, NULL, NULL) == NXT_ERROR);
}


int
main(int argc, char **argv)
{
    nxt_buf_t           *b;
    nxt_port_t          *port;
    nxt_task_t          *task;
    nxt_process_init_t  init;
    nxt_event_engine_t  *engine;

    (void) argc;

    CHECK(nxt_lib_start("errors", argv, &environ) == NXT_OK);
    nxt_main_log.level = NXT_LOG_ALERT;
    task = &nxt_main_task;

    nothing(task);

    /* Without a runtime nothing can be started. */
    memset(&init, 0, sizeof(init));
    CHECK(nxt_process_init_start(task, init) == NXT_ERROR);

    engine = nxt_event_engine_create(task, &nxt_epoll_edge_engine, NULL, 0, 0);
    CHECK(engine != NULL);
    engine->mem_pool = nxt_mp_create(1024, 128, 256, 32);
    task->thread->engine = engine;

    /* A port without ends: what is sent is lost, nothing can be asked. */
    port = nxt_port_new(task, 1, nxt_pid, NXT_PROCESS_APP);
    CHECK(port != NULL);
    CHECK(port->pair[0] == -1);
    CHECK(nxt_port_rpc_register_handler(task, port, NULL, NULL, -1, NULL) == 0);

    b = nxt_buf_mem_alloc(engine->mem_pool, 10, 0);
    b->completion_handler = count;
    CHECK(nxt_port_socket_write(task, port, NXT_PORT_MSG_DATA, -1, 0, 0, b)
          == NXT_OK);
    CHECK(engine->fast_work_queue.head != NULL);
    CHECK(engine->fast_work_queue.head->handler == count);

    nxt_port_use(task, port, -1);
    nxt_mp_destroy(engine->mem_pool);
    nxt_event_engine_free(engine);

    return REPORT("host_errors");
}
