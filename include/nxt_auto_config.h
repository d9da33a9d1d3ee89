/*
 * What the library was built for: 64-bit Linux with the GNU C library.
 * Structures of the interface depend on some of these, so none of them is a
 * choice of the program that includes this file; NXT_DEBUG is, and must be
 * that of the daemon a module is for.
 */

#ifndef NXT_AUTO_CONFIG_H
#define NXT_AUTO_CONFIG_H

#ifndef NXT_DEBUG
/**
 * Whether this is the debug ABI; the second word of a module's compatibility array.
 */
#define NXT_DEBUG 0
#endif

#define NXT_UNIX 1
#define NXT_LINUX 1

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define NXT_HAVE_BIG_ENDIAN 1
#else
#define NXT_HAVE_LITTLE_ENDIAN 1
#endif

#define NXT_INT_SIZE 4
#define NXT_LONG_SIZE 8
#define NXT_LONG_LONG_SIZE 8
#define NXT_PTR_SIZE 8
#define NXT_SIZE_T_SIZE 8
#define NXT_OFF_T_SIZE 8
#define NXT_TIME_T_SIZE 8

#define NXT_HAVE_ALLOCA 1
#define NXT_HAVE_UNIX_DOMAIN 1
#define NXT_INET6 1
#define NXT_TLS 1

#define NXT_HAVE_UCRED 1
#define NXT_HAVE_MSGHDR_MSG_CONTROL 1
#define NXT_HAVE_SOCKOPT_SO_PASSCRED 1
#define NXT_HAVE_EPOLL 1
#define NXT_HAVE_EVENTFD 1
#define NXT_HAVE_SIGNALFD 1
#define NXT_HAVE_MEMFD_CREATE 1
#define NXT_HAVE_SHM_OPEN 1

#define NXT_HAVE_CGROUP 1
#define NXT_HAVE_LINUX_NS 1
#define NXT_HAVE_CLONE_NEWUSER 1
#define NXT_HAVE_CLONE_NEWNS 1
#define NXT_HAVE_CLONE_NEWPID 1
#define NXT_HAVE_CLONE_NEWNET 1
#define NXT_HAVE_CLONE_NEWUTS 1
#define NXT_HAVE_CLONE_NEWCGROUP 1
#define NXT_HAVE_ISOLATION_ROOTFS 1
#define NXT_HAVE_PR_SET_NO_NEW_PRIVS 1

#endif /* NXT_AUTO_CONFIG_H */
