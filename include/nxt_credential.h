#ifndef NXT_CREDENTIAL_H
#define NXT_CREDENTIAL_H

/** A user with its groups. */
typedef struct nxt_credential_s {
    /** The user's name. */
    const char *user;
    /** The user's number. */
    nxt_uid_t uid;
    /** The number of the main group. */
    nxt_gid_t base_gid;
    /** How many supplementary groups. */
    nxt_uint_t ngroups;
    /** The supplementary groups. */
    nxt_gid_t *gids;
} nxt_credential_t;

/**
 * Looks up the user `uc->user`, with its groups, which go into the pool; `group`, unless it is NULL or
 * empty, replaces the user's main group.
 *
 * Requires:
 * `task` is NULL or valid, `mp` is NULL or a pool, `uc` is NULL or has a name; texts end with a NUL.
 */
nxt_int_t nxt_credential_get(nxt_task_t *task,
                             nxt_mp_t *mp,
                             nxt_credential_t *uc,
                             const char *group);

/**
 * Takes a user's groups; the supplementary ones only if this process may take any group.
 *
 * Requires:
 * `task` is NULL or valid, `uc` is NULL or was looked up.
 */
nxt_int_t nxt_credential_setgids(nxt_task_t *task,
                                 nxt_credential_t *uc);

/**
 * Takes a user.
 *
 * Requires:
 * `task` is NULL or valid, `uc` is NULL or was looked up.
 */
nxt_int_t nxt_credential_setuid(nxt_task_t *task, nxt_credential_t *uc);

#endif /* NXT_CREDENTIAL_H */
