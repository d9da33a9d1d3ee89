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

#endif /* NXT_PROCESS_H */
