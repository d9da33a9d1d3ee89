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

#endif /* NXT_CREDENTIAL_H */
