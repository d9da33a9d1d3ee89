/* What a program of the library works with. */

#ifndef NXT_RUNTIME_H
#define NXT_RUNTIME_H

/** What is done when the runtime was started or stopped. */
typedef void (*nxt_runtime_cont_t)(nxt_task_t *task, nxt_uint_t status);

/** Prepares a part of a program. */
typedef nxt_int_t (*nxt_module_init_t)(nxt_thread_t *thr, nxt_runtime_t *rt);

/** A runtime. */
struct nxt_runtime_s {
    /** Its pool. */
    nxt_mp_t *mem_pool;
    /** Listening sockets from the program before. */
    nxt_array_t *inherited_sockets;
    /** Listening sockets. */
    nxt_array_t *listen_sockets;
    /** Services. */
    nxt_array_t *services;
    /** Language modules, of `nxt_app_lang_module_t`. */
    nxt_array_t *languages;
    /** The program's own. */
    void *data;
    /** What is done when it was started. */
    nxt_runtime_cont_t start;
    /** The name of the machine. */
    nxt_str_t hostname;
    /** The file with the number of the process. */
    nxt_file_name_t *pid_file;
    /** The TLS library. */
    const nxt_tls_lib_t *tls;
    /** Thread pools. */
    nxt_array_t *thread_pools;
    /** What is done when it was stopped. */
    nxt_runtime_cont_t continuation;
    /** This process. */
    nxt_process_t *mprocess;
    /** How many processes are known. */
    size_t nprocesses;
    /** Guards the processes. */
    nxt_thread_mutex_t processes_mutex;
    /** The processes by number. */
    nxt_lvlhsh_t processes;
    /** The port of each kind of process there is one of. */
    nxt_port_t *port_by_type[NXT_PROCESS_MAX];
    /** The ports by process and number. */
    nxt_lvlhsh_t ports;
    /** Log files. */
    nxt_list_t *log_files;
    /** The number of the last engine. */
    uint32_t last_engine_id;
    /** What this process is. */
    nxt_process_type_t type;
    /** A timer. */
    nxt_timer_t timer;
    /** Whether it runs in the background. */
    uint8_t daemon;
    /** How many events an engine takes at once. */
    uint8_t batch;
    /** The exit status. */
    uint8_t status;
    /** Whether processes have their own process namespace. */
    uint8_t is_pid_isolated;
    /** The name of the event interface. */
    const char *engine;
    /** Connections of an engine. */
    uint32_t engine_connections;
    /** Threads for work that waits. */
    uint32_t auxiliary_threads;
    /** The user of unprivileged processes. */
    nxt_credential_t user_cred;
    /** What this process may do. */
    nxt_capabilities_t capabilities;
    /** The group of unprivileged processes. */
    const char *group;
    /** The path of the file with the number of the process. */
    const char *pid;
    /** The path of the log. */
    const char *log;
    /** The folder of the language modules. */
    const char *modules;
    /** The folder of the state. */
    const char *state;
    /** The file with the version of the state. */
    const char *ver;
    /** The same while it is written. */
    const char *ver_tmp;
    /** The file with the configuration. */
    const char *conf;
    /** The same while it is written. */
    const char *conf_tmp;
    /** The folder for temporary files. */
    const char *tmp;
    /** The address of the control socket. */
    const char *control;
    /** Its permission bits. */
    mode_t control_mode;
    /** Its owner. */
    const char *control_user;
    /** Its group. */
    const char *control_group;
    /** The folder of certificates. */
    nxt_str_t certs;
    /** The folder of scripts. */
    nxt_str_t scripts;
    /** The engines. */
    nxt_queue_t engines;
    /** The address of the control socket. */
    nxt_sockaddr_t *controller_listen;
    /** The control socket. */
    nxt_listen_socket_t *controller_socket;
};

/**
 * Writes one record to the process's log, with the time, the process and the thread; the
 * daemon's `handler` (defined in the same file).
 *
 * Requires:
 * As `nxt_log_handler`.
 */
extern void nxt_log_time_handler(nxt_uint_t level,
                                 nxt_log_t *log,
                                 const char *fmt,
                                 ...);

/**
 * Makes the runtime of the calling thread from the command line, with an engine; its start is queued
 * there. `NXT_ERROR` when there is no memory, or the command line is wrong.
 *
 * Requires:
 * `task` is NULL or valid, after `nxt_lib_start`; the process has one thread.
 *
 * `nxt_lib_start`: crate::capi::lib_start::nxt_lib_start
 */
nxt_int_t nxt_runtime_create(nxt_task_t *task);

/**
 * Ends this process with `status` or-ed to that of earlier calls: its thread pools end, the main
 * process tells all others to end and waits for them, then the process exits.
 *
 * Requires:
 * `task` is NULL or valid, of a thread with a runtime and an engine.
 */
void nxt_runtime_quit(nxt_task_t *task,
                      nxt_uint_t status);

/**
 * Tells the processes of applications to end.
 *
 * Requires:
 * `task` and `rt` are NULL or valid.
 */
void nxt_runtime_stop_app_processes(nxt_task_t *task, nxt_runtime_t *rt);

/**
 * Frees the first engine of a runtime.
 *
 * Requires:
 * `rt` is NULL or a runtime whose first engine does not run.
 */
void nxt_runtime_event_engine_free(nxt_runtime_t *rt);

/**
 * Adds a pool of threads to a runtime.
 *
 * Requires:
 * `thr` and `rt` are NULL or valid.
 */
nxt_int_t nxt_runtime_thread_pool_create(nxt_thread_t *thr,
                                         nxt_runtime_t *rt,
                                         nxt_uint_t max_threads,
                                         nxt_nsec_t timeout);

/**
 * Makes a process known, with its ports.
 *
 * Requires:
 * `task` and `process` are NULL or valid.
 */
void nxt_runtime_process_add(nxt_task_t *task, nxt_process_t *process);

/**
 * Forgets a process, which stays.
 *
 * Requires:
 * `rt` and `process` are NULL or valid.
 */
void nxt_runtime_process_remove(nxt_runtime_t *rt, nxt_process_t *process);

/**
 * Frees a process that nobody holds.
 *
 * Requires:
 * `rt` is NULL or the runtime of `process`, which is NULL or has no ports and is not used any more.
 */
void nxt_runtime_process_release(nxt_runtime_t *rt,
                                 nxt_process_t *process);

/**
 * The process of a number; NULL if the runtime does not know it.
 *
 * Requires:
 * `rt` is NULL or a runtime.
 */
nxt_process_t *nxt_runtime_process_find(nxt_runtime_t *rt, nxt_pid_t pid);

/**
 * Prepares a walk over all processes, and answers the first one.
 *
 * Requires:
 * `rt` is NULL or a runtime, `lhe` is NULL or writable.
 */
nxt_process_t *nxt_runtime_process_first(nxt_runtime_t *rt,
                                         nxt_lvlhsh_each_t *lhe);

/** The next process of a walk. */
#define nxt_runtime_process_next(rt, cursor)  \
    nxt_lvlhsh_each(&(rt)->processes, cursor)

/** A loop over all processes, which may remove the current one. */
#define nxt_runtime_process_each(rt, process)                                 \
    do {                                                                      \
        nxt_lvlhsh_each_t  _cursor;                                           \
        nxt_process_t      *_after;                                           \
                                                                              \
        for ((process) = nxt_runtime_process_first(rt, &_cursor);             \
             (process) != NULL;                                               \
             (process) = _after)                                              \
        {                                                                     \
            _after = (nxt_process_t *) nxt_runtime_process_next(rt, &_cursor);

#define nxt_runtime_process_loop                                              \
        }                                                                     \
    } while (0)

/**
 * A new port of a process, which is made known if it is not. The runtime holds both. NULL when there
 * is no memory.
 *
 * Requires:
 * `task` and `rt` are NULL or valid.
 */
nxt_port_t *nxt_runtime_process_port_create(nxt_task_t *task,
                                            nxt_runtime_t *rt,
                                            nxt_pid_t pid,
                                            nxt_port_id_t id,
                                            nxt_process_type_t type);

/**
 * Forgets a port, which the runtime holds no more.
 *
 * Requires:
 * `task` and `port` are NULL or valid.
 */
void nxt_runtime_port_remove(nxt_task_t *task, nxt_port_t *port);

/**
 * The port of a process and a number; NULL if the runtime does not know it.
 *
 * Requires:
 * `rt` is NULL or a runtime.
 */
nxt_port_t *nxt_runtime_port_find(nxt_runtime_t *rt,
                                  nxt_pid_t pid,
                                  nxt_port_id_t port_id);

/**
 * Makes the control socket at `rt->controller_listen`, or, if that is NULL, at the address `rt->control`
 * of the options.
 *
 * Requires:
 * `task` is NULL or valid, `rt` is NULL or a runtime.
 */
nxt_int_t nxt_runtime_controller_socket(nxt_task_t *task,
                                        nxt_runtime_t *rt);

/**
 * Adds a listening socket to those of a runtime, not made yet, at a copy of the address. NULL when
 * there is no memory.
 *
 * Requires:
 * `rt` is NULL or a runtime, `sa` is NULL or valid.
 */
nxt_listen_socket_t *nxt_runtime_listen_socket_add(nxt_runtime_t *rt,
                                                   nxt_sockaddr_t *sa);

/**
 * Makes the listening sockets of a runtime, or goes on with those that the program was started with.
 *
 * Requires:
 * `task` is NULL or valid, `rt` is NULL or a runtime, its sockets have addresses.
 */
nxt_int_t nxt_runtime_listen_sockets_create(nxt_task_t *task,
                                            nxt_runtime_t *rt);

/**
 * Has the engine of the calling thread accept connections at the listening sockets of a runtime that do
 * not wait.
 *
 * Requires:
 * `task` is NULL or valid with the engine of its thread, `rt` is NULL or a runtime, whose sockets stay.
 */
nxt_int_t nxt_runtime_listen_sockets_enable(nxt_task_t *task,
                                            nxt_runtime_t *rt);

/**
 * Adds a log file of a name, or finds it; NULL when there is no memory.
 *
 * Requires:
 * `rt` is NULL or a runtime, `name` is NULL or valid.
 */
nxt_file_t *nxt_runtime_log_file_add(nxt_runtime_t *rt, nxt_str_t *name);

/**
 * The working folder, with a slash at the end; NULL if it cannot be found out.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
nxt_str_t *nxt_current_directory(nxt_mp_t *mp);

/**
 * Makes the variables of requests known. They are from the start, so that this cannot fail.
 */
nxt_int_t nxt_http_register_variables(void);

#endif /* NXT_RUNTIME_H */
