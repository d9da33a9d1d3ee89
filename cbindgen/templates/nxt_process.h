/* The process, as modules see it, and the callbacks that make one. */

#ifndef NXT_PROCESS_H
#define NXT_PROCESS_H

@ nxt_process_state_t

@ NXT_PROCESS_STATE_CREATING

@ NXT_PROCESS_STATE_CREATED

@ NXT_PROCESS_STATE_READY

@ nxt_process_prefork_t

@ nxt_process_setup_t

@ nxt_process_start_t

@ nxt_isolation_cleanup_t

@ nxt_cgroup_cleanup_t

@ nxt_port_mmaps_t

@ nxt_process_automount_t

@ nxt_cgroup_t

@ nxt_process_isolation_t

@ nxt_controller_init_t

@ struct nxt_process_data_t

@ struct nxt_process_t

@ nxt_process_init_t

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

@ nxt_process_new

@ nxt_process_use

@ nxt_process_init_start

@ nxt_process_start

@ nxt_process_type

@ nxt_process_port_add

@ nxt_process_close_ports

@ nxt_process_quit

@ nxt_signal_quit_handler

@ nxt_process_core_setup

@ nxt_process_creds_set

@ nxt_process_apply_creds

@ nxt_process_execute

@ nxt_process_daemon

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

@ nxt_nanosleep

@ nxt_process_arguments

#define nxt_abort()  (void) raise(SIGABRT)
#define nxt_sched_yield()  sched_yield()

#endif /* NXT_PROCESS_H */
