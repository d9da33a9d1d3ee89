/* The process, as modules see it, and the callbacks that make one. */

#ifndef NXT_PROCESS_H
#define NXT_PROCESS_H

/**
 * How far a process has come: one of the `NXT_PROCESS_STATE_*` numbers.
 */
typedef unsigned int nxt_process_state_t;

/** Not forked yet. */
#define NXT_PROCESS_STATE_CREATING 0

/** Forked, not ready yet. */
#define NXT_PROCESS_STATE_CREATED 1

/** Serving. */
#define NXT_PROCESS_STATE_READY 2

/** Prepares a process before the fork. */
typedef nxt_int_t (*nxt_process_prefork_t)(nxt_task_t *task,
                                           nxt_process_t *process,
                                           nxt_mp_t *mp);

/** Prepares a process after the fork, with full privileges. */
typedef nxt_int_t (*nxt_process_setup_t)(nxt_task_t *task,
                                         nxt_process_t *process);

/** Starts the work of a process, with the privileges it keeps. */
typedef nxt_int_t (*nxt_process_start_t)(nxt_task_t *task,
                                         nxt_process_data_t *data);

/** Undoes the mounts of a process. */
typedef void (*nxt_isolation_cleanup_t)(nxt_task_t *task,
                                        nxt_process_t *process);

/** Removes the control group of a process. */
typedef void (*nxt_cgroup_cleanup_t)(nxt_task_t *task,
                                     const nxt_process_t *process);

/** The shared-memory segments that a process has announced. */
typedef struct nxt_port_mmaps_s {
    /** Guards the rest. */
    pthread_mutex_t mutex;
    /** How many segments. */
    uint32_t size;
    /** For how many there is room. */
    uint32_t cap;
    /** The segments. */
    nxt_port_mmap_t *elts;
} nxt_port_mmaps_t;

/** Which mounts the core makes by itself. */
typedef struct nxt_process_automount_s {
    /** Those that the language module names. */
    uint8_t language_deps;
    /** A `tmpfs` on `/tmp`. */
    uint8_t tmpfs;
    /** A `proc` on `/proc`. */
    uint8_t procfs;
} nxt_process_automount_t;

/** The control group of a process. */
typedef struct nxt_cgroup_s {
    /** Its folder. */
    char *path;
} nxt_cgroup_t;

/** How a process is kept apart. */
typedef struct nxt_process_isolation_s {
    /** The new root folder, ended by a NUL; NULL is none. */
    uint8_t *rootfs;
    /** The mounts that the core makes. */
    nxt_process_automount_t automount;
    /** All mounts, of `nxt_fs_mount_t`. */
    nxt_array_t *mounts;
    /** Undoes the mounts. */
    nxt_isolation_cleanup_t cleanup;
    /** Removes the control group. */
    nxt_cgroup_cleanup_t cgroup_cleanup;
    /** The control group. */
    nxt_cgroup_t cgroup;
    /** The namespaces. */
    nxt_clone_t clone;
    /** Whether privileges may be gained by executing a program. */
    uint8_t new_privs;
} nxt_process_isolation_t;

/** What the controller starts with. */
typedef struct nxt_controller_init_s {
    /** The stored configuration. */
    nxt_str_t conf;
    /** The stored certificates. */
    nxt_array_t *certs;
} nxt_controller_init_t;

/**
 * What a process starts with; which member holds depends on the process type.
 */
union nxt_process_data_u {
    /** Discovery: nothing. */
    void *discovery;
    /** Controller. */
    nxt_controller_init_t controller;
    /** Router: nothing. */
    void *router;
    /** Prototype and application. */
    nxt_common_app_conf_t *app;
};

/** A process, as modules see it. */
struct nxt_process_s {
    /** Its number. */
    nxt_pid_t pid;
    /** Its ports. */
    nxt_queue_t ports;
    /** How far it has come. */
    nxt_process_state_t state;
    /** Whether the runtime knows it. */
    nxt_bool_t registered;
    /** How many hold it. */
    nxt_int_t use_count;
    /** The segments it has announced. */
    nxt_port_mmaps_t incoming;
    /** Its number inside its own namespace. */
    nxt_pid_t isolated_pid;
    /** Its name, ended by a NUL. */
    const char *name;
    /** The port of its parent. */
    nxt_port_t *parent_port;
    /** The RPC stream that waits for it to be ready. */
    uint32_t stream;
    /** Its pool. */
    nxt_mp_t *mem_pool;
    /** Its user; NULL keeps the parent's. */
    nxt_credential_t *user_cred;
    /** Its children. */
    nxt_queue_t children;
    /** Its link among its parent's children. */
    nxt_queue_link_t link;
    /** What it starts with. */
    nxt_process_data_t data;
    /** How it is kept apart. */
    nxt_process_isolation_t isolation;
};

/** How a process is made. The runtime keeps one behind each process. */
typedef struct nxt_process_init_s {
    /** Its name, ended by a NUL. */
    const char *name;
    /** What it is. */
    nxt_process_type_t type;
    /** Prepares it before the fork. */
    nxt_process_prefork_t prefork;
    /** Prepares it after the fork. */
    nxt_process_setup_t setup;
    /** Starts its work. */
    nxt_process_start_t start;
    /** Whether it is started again when it dies. */
    uint8_t restart;
    /** The handlers of its port. */
    const nxt_port_handlers_t *port_handlers;
    /** Its signals. */
    const nxt_sig_event_t *signals;
    /** Processes whose ports it does not keep. */
    nxt_queue_t *siblings;
} nxt_process_init_t;

/** How a process is made, kept behind it. */
#define nxt_process_init(process)  \
    ((void *) ((u_char *) (process) + sizeof(nxt_process_t)))

#define nxt_process_port_remove(port)  nxt_queue_remove(&(port)->link)
#define nxt_process_port_first(process)                                       \
    nxt_queue_link_data(nxt_queue_first(&(process)->ports), nxt_port_t, link)
#define nxt_process_port_each(process, port)  \
    nxt_queue_each(port, &(process)->ports, nxt_port_t, link)
#define nxt_process_port_loop  nxt_queue_loop

/** Whose end a kind of process is told. */
extern uint8_t nxt_proc_remove_notify_matrix[NXT_PROCESS_MAX][NXT_PROCESS_MAX];

/** Whose ports it is sent, and whose it keeps after a fork. */
extern uint8_t nxt_proc_send_matrix[NXT_PROCESS_MAX][NXT_PROCESS_MAX];
extern uint8_t nxt_proc_keep_matrix[NXT_PROCESS_MAX][NXT_PROCESS_MAX];

/**
 * A process, held once, followed by the place for how it is made. NULL when there is no memory.
 *
 * Requires:
 * `rt` is NULL or a runtime.
 */
nxt_process_t *nxt_process_new(nxt_runtime_t *rt);

/**
 * Adds holders to a process, or takes some away. Without any it ends.
 *
 * Requires:
 * `task` and `process` are NULL or valid; a holder that was taken away does not use it any more.
 */
void nxt_process_use(nxt_task_t *task,
                     nxt_process_t *process,
                     int32_t i);

/**
 * Makes a process as `init` says and starts it: as `nxt_process_start`.
 *
 * Requires:
 * `task` is NULL or valid, of a thread with a runtime; `init` is valid and stays so.
 */
nxt_int_t nxt_process_init_start(nxt_task_t *task,
                                 nxt_process_init_t init);

/**
 * Starts a process. `NXT_OK` in the parent; `NXT_AGAIN` in the child, which must return to the loop
 * of its engine; `NXT_ERROR` if there is no child.
 *
 * Requires:
 * `task` and `process` are NULL or valid; the process has one thread.
 */
nxt_int_t nxt_process_start(nxt_task_t *task,
                            nxt_process_t *process);

/**
 * What a process is; that of one without ports is not known and counts as main.
 *
 * Requires:
 * `process` is NULL or valid.
 */
nxt_process_type_t nxt_process_type(nxt_process_t *process);

/**
 * Gives a process a port, which holds it.
 *
 * Requires:
 * The addresses are NULL or valid; the port has no process yet.
 */
void nxt_process_port_add(nxt_task_t *task,
                          nxt_process_t *process,
                          nxt_port_t *port);

/**
 * Closes all ports of a process, and the runtime forgets them.
 *
 * Requires:
 * `task` and `process` are NULL or valid.
 */
void nxt_process_close_ports(nxt_task_t *task, nxt_process_t *process);

/**
 * Ends this process in order: it listens no more, then the runtime is stopped.
 *
 * Requires:
 * `task` is NULL or valid.
 */
void nxt_process_quit(nxt_task_t *task,
                      nxt_uint_t exit_status);

/**
 * The port handler of `quit` for processes that listen.
 *
 * Requires:
 * `task` is NULL or valid.
 */
void nxt_signal_quit_handler(nxt_task_t *task, nxt_port_recv_msg_t *msg);

/**
 * The setup of a process that needs no more: it takes its user and groups, and is ready.
 *
 * Requires:
 * `task` and `process` are NULL or valid.
 */
nxt_int_t nxt_process_core_setup(nxt_task_t *task,
                                 nxt_process_t *process);

/**
 * Looks up the user and group that a process will take; `group` without a start keeps the user's.
 *
 * Requires:
 * `task` is NULL or valid; `process` is NULL or has a pool; the strings are NULL or valid.
 */
nxt_int_t nxt_process_creds_set(nxt_task_t *task,
                                nxt_process_t *process,
                                nxt_str_t *user,
                                nxt_str_t *group);

/**
 * The process takes its user and groups, if it may, and forbids itself to gain privileges.
 *
 * Requires:
 * `task` and `process` are NULL or valid.
 */
nxt_int_t nxt_process_apply_creds(nxt_task_t *task,
                                  nxt_process_t *process);

/**
 * Starts a program; its process, or -1. Arguments and environment end with NULL.
 *
 * Requires:
 * `task` is NULL or valid; the others are as for posix_spawn(3), or NULL.
 */
nxt_pid_t nxt_process_execute(nxt_task_t *task,
                              char *name,
                              char **argv,
                              char **envp);

/**
 * Leaves the terminal: the process goes on as a child of its own, in a session of its own, without
 * standard input and output. The parent exits.
 *
 * Requires:
 * `task` is NULL or valid. The process has one thread.
 */
nxt_int_t nxt_process_daemon(nxt_task_t *task);

#define NXT_SETPROCTITLE_ARGV  1

/**
 * Sets the title of the process, in the format language of `nxt_sprintf.h`.
 */
NXT_EXPORT void nxt_process_title(nxt_task_t *task, const char *fmt, ...);

/** This process and its parent. */
NXT_EXPORT extern nxt_pid_t nxt_pid, nxt_ppid;

/** Its effective user and group. */
NXT_EXPORT extern nxt_uid_t nxt_euid;
NXT_EXPORT extern nxt_gid_t nxt_egid;

/** Its environment, and the arguments it was started with. */
NXT_EXPORT extern char ***nxt_process_environ;
NXT_EXPORT extern char **nxt_process_argv;

/** Sleeps for `ns` nanoseconds, or until a signal arrives. */
void nxt_nanosleep(nxt_nsec_t ns);

/**
 * Moves the environment away from the arguments, so that both make room for a title.
 *
 * Requires:
 * The process has one thread; the addresses are those of `nxt_lib_start`, or NULL.
 *
 * `nxt_lib_start`: crate::capi::lib_start::nxt_lib_start
 */
void nxt_process_arguments(nxt_task_t *task,
                           char **orig_argv,
                           char ***orig_envp);

#define nxt_abort()  (void) raise(SIGABRT)
#define nxt_sched_yield()  sched_yield()

#endif /* NXT_PROCESS_H */
