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

#endif /* NXT_RUNTIME_H */
