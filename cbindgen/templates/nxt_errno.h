/* Results and error numbers. */

#ifndef NXT_ERRNO_H
#define NXT_ERRNO_H

#include <errno.h>

@ nxt_err_t

@ nxt_strerror_t

/** Writes the text of an error number. */
NXT_EXPORT extern nxt_strerror_t nxt_strerror;

@ nxt_strerror_start

@ NXT_OK

@ NXT_ERROR

@ NXT_AGAIN

@ NXT_DECLINED

@ NXT_DONE

#define nxt_errno  errno
#define nxt_socket_errno  errno
#define nxt_set_errno(number)  (errno = (number))

/** The numbers of the system, by name. */
#define NXT_EACCES  EACCES
#define NXT_EADDRINUSE  EADDRINUSE
#define NXT_EAGAIN  EAGAIN
#define NXT_EBUSY  EBUSY
#define NXT_ECANCELED  ECANCELED
#define NXT_ECHILD  ECHILD
#define NXT_ECONNABORTED  ECONNABORTED
#define NXT_ECONNREFUSED  ECONNREFUSED
#define NXT_ECONNRESET  ECONNRESET
#define NXT_EEXIST  EEXIST
#define NXT_EHOSTDOWN  EHOSTDOWN
#define NXT_EHOSTUNREACH  EHOSTUNREACH
#define NXT_EILSEQ  EILSEQ
#define NXT_EINPROGRESS  EINPROGRESS
#define NXT_EINTR  EINTR
#define NXT_EINVAL  EINVAL
#define NXT_EISDIR  EISDIR
#define NXT_ELOOP  ELOOP
#define NXT_ENAMETOOLONG  ENAMETOOLONG
#define NXT_ENETDOWN  ENETDOWN
#define NXT_ENETUNREACH  ENETUNREACH
#define NXT_ENOBUFS  ENOBUFS
#define NXT_ENOENT  ENOENT
#define NXT_ENOMEM  ENOMEM
#define NXT_ENOSPC  ENOSPC
#define NXT_ENOSYS  ENOSYS
#define NXT_ENOTCONN  ENOTCONN
#define NXT_ENOTDIR  ENOTDIR
#define NXT_ENXIO  ENXIO
#define NXT_EOPNOTSUPP  EOPNOTSUPP
#define NXT_EPERM  EPERM
#define NXT_EPIPE  EPIPE
#define NXT_ERANGE  ERANGE
#define NXT_ESRCH  ESRCH
#define NXT_ETIME  ETIME
#define NXT_ETIMEDOUT  ETIMEDOUT
#define NXT_EXDEV  EXDEV

/** What the system has no number for. */
#define NXT_ENOMOREFILES  0
#define NXT_ENOPATH  ENOENT

#endif /* NXT_ERRNO_H */
