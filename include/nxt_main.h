/* What every module includes first. */

#ifndef NXT_MAIN_H
#define NXT_MAIN_H

#include <nxt_auto_config.h>
#include <nxt_version.h>
#include <nxt_unix.h>
#include <nxt_clang.h>
#include <nxt_types.h>

#define NXT_NAME  "Unit"
#define NXT_SERVER  NXT_NAME "/" NXT_VERSION

#include <nxt_array.h>
#include <nxt_queue.h>
#include <nxt_errno.h>
#include <nxt_file.h>
#include <nxt_string.h>
#include <nxt_lvlhsh.h>
#include <nxt_work_queue.h>
#include <nxt_log.h>
#include <nxt_process_type.h>
#include <nxt_credential.h>
#include <nxt_fs_mount.h>
#include <nxt_clone.h>
#include <nxt_process.h>
#include <nxt_parse.h>
#include <nxt_malloc.h>
#include <nxt_socket.h>
#include <nxt_murmur_hash.h>
#include <nxt_conf.h>
#include <nxt_runtime.h>

/** The text of the `Server` field. */
NXT_EXPORT extern nxt_str_t nxt_server;

#endif /* NXT_MAIN_H */
