#ifndef NXT_FS_MOUNT_H
#define NXT_FS_MOUNT_H

/** What kind of mount: one of the `NXT_FS_*` numbers. */
typedef unsigned int nxt_fs_type_t;

/** Anything else, named by text. */
#define NXT_FS_UNKNOWN 0

/** A bind mount. */
#define NXT_FS_BIND 1

/** A `tmpfs`. */
#define NXT_FS_TMP 2

/** A `proc`. */
#define NXT_FS_PROC 3

/** One more than the greatest kind. */
#define NXT_FS_LAST 4

/** A sum of the `NXT_FS_FLAGS_*` numbers. */
typedef unsigned int nxt_fs_flags_t;

/** Set-user-ID bits have no effect. */
#define NXT_FS_FLAGS_NOSUID 1

/** Programs cannot be executed. */
#define NXT_FS_FLAGS_NOEXEC 2

/** Access times are not kept. */
#define NXT_FS_FLAGS_NOTIME 4

/** Devices cannot be opened. */
#define NXT_FS_FLAGS_NODEV 8

/** Nothing can be written. */
#define NXT_FS_FLAGS_RDONLY 16

/** One mount; the texts end with a NUL. */
typedef struct nxt_fs_mount_s {
    /** What is mounted. */
    uint8_t *src;
    /** Where it is mounted. */
    uint8_t *dst;
    /** The kind, as a number. */
    nxt_fs_type_t type;
    /** The kind, as the kernel's text. */
    uint8_t *name;
    /** The flags. */
    nxt_fs_flags_t flags;
    /** The options, as the kernel's text; may be NULL. */
    uint8_t *data;
    /** Whether it is there in every root. */
    nxt_uint_t builtin;
    /** Whether the language needs it. */
    nxt_uint_t deps;
} nxt_fs_mount_t;

/**
 * Makes a mount; the place is made if it is not there.
 *
 * Requires:
 * `task` is NULL or valid; `mnt` is NULL or valid, its texts ending with a NUL.
 */
nxt_int_t nxt_fs_mount(nxt_task_t *task,
                       nxt_fs_mount_t *mnt);

/**
 * Takes a mount away, when nobody uses it any more.
 *
 * Requires:
 * `path` is NULL or ends with a NUL.
 */
void nxt_fs_unmount(const uint8_t *path);

#endif /* NXT_FS_MOUNT_H */
