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

/** This process, its parent, user and group, arguments and environment. */
NXT_EXPORT extern nxt_pid_t nxt_pid;
NXT_EXPORT extern nxt_pid_t nxt_ppid;
NXT_EXPORT extern nxt_uid_t nxt_euid;
NXT_EXPORT extern nxt_gid_t nxt_egid;
NXT_EXPORT extern char **nxt_process_argv;
NXT_EXPORT extern char ***nxt_process_environ;

/** Sleeps for so many nanoseconds. */
void nxt_nanosleep(nxt_nsec_t ns);

/**
 * Notes the arguments and the environment.
 *
 * Requires:
 * `orig_argv` is NULL or the arguments of `main`, `orig_envp` NULL or the address of the environment.
 */
void nxt_process_arguments(nxt_task_t *task,
                           char **orig_argv,
                           char ***orig_envp);

#define nxt_abort()  (void) raise(SIGABRT)
#define nxt_sched_yield()  sched_yield()

#endif /* NXT_PROCESS_H */
