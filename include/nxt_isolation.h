/* How the processes of an application are kept apart. */

#ifndef NXT_ISOLATION_H
#define NXT_ISOLATION_H

/**
 * Prepares the isolation of a prototype, in the main process and before the fork: reads the
 * application's `isolation` into `process->isolation`, finds out as whom the process will run, and
 * checks what can be known to fail. The memory is of `process->mem_pool`.
 *
 * Requires:
 * `task` is NULL or valid, of a thread with a runtime; `process` is NULL or valid, with a pool and
 * the configuration of an application.
 */
nxt_int_t nxt_isolation_main_prefork(nxt_task_t *task,
                                     nxt_process_t *process,
                                     nxt_mp_t *mp);

/**
 * Makes the mounts of `process->isolation.mounts` in its new root; all or nothing. What the host
 * lacks is left out, with a warning in the log.
 *
 * Requires:
 * `task` is NULL or valid; `process` is NULL or valid, prepared by `nxt_isolation_main_prefork`.
 */
nxt_int_t nxt_isolation_prepare_rootfs(nxt_task_t *task,
                                       nxt_process_t *process);

/**
 * Moves the calling process to `process->isolation.rootfs`: in a mount namespace of its own the old
 * root is let go of, else it is as chroot(2). The working directory is the new root then.
 *
 * Requires:
 * `task` and `process` are NULL or valid.
 */
nxt_int_t nxt_isolation_change_root(nxt_task_t *task,
                                    nxt_process_t *process);

#endif /* NXT_ISOLATION_H */
