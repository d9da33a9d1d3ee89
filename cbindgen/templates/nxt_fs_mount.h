#ifndef NXT_FS_MOUNT_H
#define NXT_FS_MOUNT_H

@ nxt_fs_type_t

@ NXT_FS_UNKNOWN

@ NXT_FS_BIND

@ NXT_FS_TMP

@ NXT_FS_PROC

@ NXT_FS_LAST

@ nxt_fs_flags_t

@ NXT_FS_FLAGS_NOSUID

@ NXT_FS_FLAGS_NOEXEC

@ NXT_FS_FLAGS_NOTIME

@ NXT_FS_FLAGS_NODEV

@ NXT_FS_FLAGS_RDONLY

@ nxt_fs_mount_t

@ nxt_fs_mount

@ nxt_fs_unmount

#endif /* NXT_FS_MOUNT_H */
