/* What every module includes first. */

#ifndef NXT_MAIN_H
#define NXT_MAIN_H

#include <nxt_auto_config.h>
#include <nxt_version.h>
#include <nxt_unix.h>
#include <nxt_clang.h>
#include <nxt_types.h>

#define NXT_NAME  "Unit"
#define NXT_SERVER  NXT_NAME "/" NXT_VERSION

/* Memory. */
#include <nxt_malloc.h>
#include <nxt_mem_zone.h>
#include <nxt_mp.h>

/** An allocator of memory out of `pool`, and what takes it back. */
typedef void *(*nxt_mem_proto_alloc_t)(void *pool, size_t size);
typedef void (*nxt_mem_proto_free_t)(void *pool, void *p);

/** The two of them. */
typedef struct {
    nxt_mem_proto_alloc_t alloc;
    nxt_mem_proto_free_t free;
} nxt_mem_proto_t;

/* Strings, numbers and containers. */
#include <nxt_array.h>
#include <nxt_djb_hash.h>
#include <nxt_list.h>
#include <nxt_murmur_hash.h>
#include <nxt_queue.h>
#include <nxt_random.h>
#include <nxt_rbtree.h>
#include <nxt_sort.h>
#include <nxt_sprintf.h>
#include <nxt_string.h>
#include <nxt_utf8.h>
#include <nxt_conf.h>
#include <nxt_lvlhsh.h>
#include <nxt_hash.h>
#include <nxt_parse.h>

/* The system. */
#include <nxt_atomic.h>
#include <nxt_capability.h>
#include <nxt_credential.h>
#include <nxt_clone.h>
#include <nxt_errno.h>
#include <nxt_file.h>
#include <nxt_fs_mount.h>
#include <nxt_mem_map.h>
#include <nxt_process_type.h>
#include <nxt_socket.h>
#include <nxt_spinlock.h>

/* Threads, and what each has of its own. */
#include <nxt_log.h>
#include <nxt_thread_id.h>
#include <nxt_time.h>
#include <nxt_thread_time.h>
#include <nxt_work_queue.h>
#include <nxt_thread_pool.h>
#include <nxt_timer.h>
#include <nxt_thread.h>

/** The state of the calling thread. */
nxt_thread_extern_data(nxt_thread_t, nxt_thread_context);

#define nxt_thread()  nxt_thread_get_data(nxt_thread_context)

#include <nxt_log_moderation.h>
#include <nxt_thread_log.h>

/* Engines, processes and their ports. */
#include <nxt_buf.h>
#include <nxt_buf_pool.h>
#include <nxt_sockaddr.h>
#include <nxt_listen_socket.h>
#include <nxt_event_engine.h>
#include <nxt_conn.h>
#include <nxt_job.h>
#include <nxt_http_parse.h>
#include <nxt_process.h>
#include <nxt_port_hash.h>
#include <nxt_port_memory.h>
#include <nxt_port_rpc.h>
#include <nxt_port.h>
#include <nxt_runtime.h>

/**
 * Prepares the library for a program named `app`: its log, the calling thread's state, and the
 * facts of process and machine. `argv`, which may be NULL, and `envp` are those of `main`.
 *
 * Requires:
 * To be called once, by the only thread. `app` is NULL or stays as it is as long as the program
 * runs; `argv` is NULL or the arguments of `main`, `envp` the address of the environment.
 */
nxt_int_t nxt_lib_start(const char *app,
                        char **argv,
                        char ***envp);

/** Ends the program with success. */
void nxt_lib_stop(void);

/** Processors to run on, and the size of the kernel's pages in bytes. */
NXT_EXPORT extern nxt_uint_t nxt_ncpu;
NXT_EXPORT extern nxt_uint_t nxt_pagesize;

/** The task of the main thread, and the number of the last task. */
NXT_EXPORT extern nxt_task_t nxt_main_task;
NXT_EXPORT extern nxt_atomic_t nxt_task_ident;

/** The text of the `Server` field. */
NXT_EXPORT extern nxt_str_t nxt_server;

#endif /* NXT_MAIN_H */
