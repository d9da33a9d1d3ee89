/* What this process may do. */

#ifndef NXT_CAPABILITY_H
#define NXT_CAPABILITY_H

/** What this process may do. */
typedef struct nxt_capabilities_s {
    /** Change users and groups. */
    uint8_t setid;
    /** Change the root folder. */
    uint8_t chroot;
} nxt_capabilities_t;

/**
 * Notes what this process may do beyond an ordinary user; what it may not do stays as it is.
 *
 * Requires:
 * `cap` is NULL or valid.
 */
nxt_int_t nxt_capability_set(nxt_task_t *task,
                             nxt_capabilities_t *cap);

#endif /* NXT_CAPABILITY_H */
