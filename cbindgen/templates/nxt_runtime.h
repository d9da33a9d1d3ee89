/* What a program of the library works with. */

#ifndef NXT_RUNTIME_H
#define NXT_RUNTIME_H

@ nxt_runtime_cont_t

@ nxt_module_init_t

@ struct nxt_runtime_t

@ nxt_log_time_handler

#endif /* NXT_RUNTIME_H */
