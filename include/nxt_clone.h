#ifndef NXT_CLONE_H
#define NXT_CLONE_H

/** A user or group number wide enough for any of a map. */
typedef int64_t nxt_cred_t;

/** One range of a user or group map. */
typedef struct nxt_clone_map_entry_s {
    /** The first number inside the namespace. */
    nxt_cred_t container;
    /** The first number outside. */
    nxt_cred_t host;
    /** How many numbers. */
    nxt_cred_t size;
} nxt_clone_map_entry_t;

/** A user or group map. */
typedef struct nxt_clone_credential_map_s {
    /** How many ranges. */
    nxt_uint_t size;
    /** The ranges. */
    nxt_clone_map_entry_t *map;
} nxt_clone_credential_map_t;

/**
 * Which namespaces a process gets, and the maps of its user namespace.
 */
typedef struct nxt_clone_s {
    /** A sum of the kernel's `CLONE_NEW*` numbers. */
    nxt_int_t flags;
    /** The user map. */
    nxt_clone_credential_map_t uidmap;
    /** The group map. */
    nxt_clone_credential_map_t gidmap;
} nxt_clone_t;

/**
 * Checks a map of users for a user.
 *
 * Requires:
 * `task` is NULL or valid with its thread and runtime; `map` and `creds` are NULL or valid.
 */
nxt_int_t nxt_clone_vldt_credential_uidmap(nxt_task_t *task,
                                           nxt_clone_credential_map_t *map,
                                           nxt_credential_t *creds);

/**
 * Checks a map of groups for a user.
 *
 * Requires:
 * As `nxt_clone_vldt_credential_uidmap`.
 */
nxt_int_t nxt_clone_vldt_credential_gidmap(nxt_task_t *task,
                                           nxt_clone_credential_map_t *map,
                                           nxt_credential_t *creds);

/**
 * Writes both maps of a process that is in a user namespace of its own.
 *
 * Requires:
 * As `nxt_clone_vldt_credential_uidmap`, with `clone` in the place of `map`.
 */
nxt_int_t nxt_clone_credential_map(nxt_task_t *task,
                                   pid_t pid,
                                   nxt_credential_t *creds,
                                   nxt_clone_t *clone);

#endif /* NXT_CLONE_H */
