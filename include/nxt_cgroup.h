/* The control group of a prototype. */

#ifndef NXT_CGROUP_H
#define NXT_CGROUP_H

/**
 * Moves a prototype into its control group, which is made if it is missing. In another process than
 * the main process, and for a process of another kind or without a path, there is nothing to do.
 *
 * Requires:
 * `task` is NULL or valid; `process` is NULL or valid, and was forked.
 */
nxt_int_t nxt_cgroup_proc_add(nxt_task_t *task,
                              nxt_process_t *process);

/**
 * Removes the control group of a process and those above it, as far as this program has made them
 * and nobody is in them.
 *
 * Requires:
 * `task` and `process` are NULL or valid.
 */
void nxt_cgroup_cleanup(nxt_task_t *task,
                        const nxt_process_t *process);

#endif /* NXT_CGROUP_H */
