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

/** This process, its parent, user and group, arguments and environment. */
NXT_EXPORT extern nxt_pid_t nxt_pid;
NXT_EXPORT extern nxt_pid_t nxt_ppid;
NXT_EXPORT extern nxt_uid_t nxt_euid;
NXT_EXPORT extern nxt_gid_t nxt_egid;
NXT_EXPORT extern char **nxt_process_argv;
NXT_EXPORT extern char ***nxt_process_environ;

@ nxt_nanosleep

@ nxt_process_arguments

#define nxt_abort()  (void) raise(SIGABRT)
#define nxt_sched_yield()  sched_yield()

#endif /* NXT_PROCESS_H */
