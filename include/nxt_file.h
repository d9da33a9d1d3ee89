#ifndef NXT_FILE_H
#define NXT_FILE_H

/** A file descriptor; -1 is none. */
typedef int nxt_fd_t;

typedef u_char nxt_file_name_t;

#define nxt_stdout  STDOUT_FILENO
#define nxt_stderr  STDERR_FILENO

#define NXT_MAX_PATH_LEN  4096

#endif /* NXT_FILE_H */
