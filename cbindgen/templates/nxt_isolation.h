/* How the processes of an application are kept apart. */

#ifndef NXT_ISOLATION_H
#define NXT_ISOLATION_H

@ nxt_isolation_main_prefork

@ nxt_isolation_prepare_rootfs

@ nxt_isolation_change_root

#endif /* NXT_ISOLATION_H */
