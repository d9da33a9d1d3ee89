/* What a program of the library works with. */

#ifndef NXT_RUNTIME_H
#define NXT_RUNTIME_H

@ nxt_runtime_cont_t

@ nxt_module_init_t

@ struct nxt_runtime_t

@ nxt_log_time_handler

@ nxt_runtime_create

@ nxt_runtime_quit

@ nxt_runtime_stop_app_processes

@ nxt_runtime_event_engine_free

@ nxt_runtime_thread_pool_create

@ nxt_runtime_process_add

@ nxt_runtime_process_remove

@ nxt_runtime_process_release

@ nxt_runtime_process_find

@ nxt_runtime_process_first

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

@ nxt_runtime_process_port_create

@ nxt_runtime_port_remove

@ nxt_runtime_port_find

@ nxt_runtime_controller_socket

@ nxt_runtime_listen_socket_add

@ nxt_runtime_listen_sockets_create

@ nxt_runtime_listen_sockets_enable

@ nxt_runtime_log_file_add

@ nxt_current_directory

@ nxt_http_register_variables

#endif /* NXT_RUNTIME_H */
