/* The control group of a prototype. */

#ifndef NXT_CGROUP_H
#define NXT_CGROUP_H

@ nxt_cgroup_proc_add

@ nxt_cgroup_cleanup

#endif /* NXT_CGROUP_H */
