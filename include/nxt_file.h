/* Files, descriptors and pipes. */

#ifndef NXT_FILE_H
#define NXT_FILE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/** A file descriptor; -1 is none. */
typedef int nxt_fd_t;

/** A byte of a file's name; names end with a NUL. */
typedef uint8_t nxt_file_name_t;

/** A file's name with its length. */
typedef struct nxt_file_name_str_s {
    /** How many bytes. */
    size_t len;
    /** Where they start. */
    nxt_file_name_t *start;
} nxt_file_name_str_t;

/** Permission bits. */
typedef nxt_uint_t nxt_file_access_t;

/** What the kernel knows of a file. */
typedef struct stat nxt_file_info_t;

/** What a file is: one of the numbers below. */
typedef unsigned int nxt_file_type_t;

/** Something else. */
#define NXT_FILE_UNKNOWN 0

/** A regular file. */
#define NXT_FILE_REGULAR 1

/** `accessed` of a file that was read more than 18 hours ago. */
#define NXT_FILE_ACCESSED_LONG_AGO 65535

/** A descriptor that is none. */
#define NXT_FILE_INVALID -1

/** A file. */
typedef struct nxt_file_s {
    /** Its name. */
    nxt_file_name_t *name;
    /** Its descriptor while it is open. */
    nxt_fd_t fd;
    /** The error of the last operation, or 0. */
    nxt_err_t error;
    /**
     * Seconds since its content was read; `NXT_FILE_ACCESSED_LONG_AGO` for more.
     */
    uint16_t accessed;
    /** What it is. */
    uint8_t type;
    /**
     * The level at which a failure to open it is logged; 0 is not at all.
     */
    uint8_t log_level;
    /** When it was changed. */
    nxt_time_t mtime;
    /** Its size in bytes. */
    nxt_off_t size;
} nxt_file_t;

#define NXT_FILE_SYSTEM_NAME_UTF8  1
#define NXT_MAX_PATH_LEN  4096

/** How a file is opened. */
#define NXT_FILE_RDONLY  O_RDONLY
#define NXT_FILE_WRONLY  O_WRONLY
#define NXT_FILE_RDWR  O_RDWR
#define NXT_FILE_APPEND  (O_APPEND | O_WRONLY)

/** How a folder is opened: the number 2 of nxt_file_type_t gives way to it. */
#define NXT_FILE_DIRECTORY  O_DIRECTORY
#define NXT_FILE_SEARCH  (O_DIRECTORY | O_PATH)

/** What becomes of a file that is there, or that is not. */
#define NXT_FILE_OPEN  0
#define NXT_FILE_CREATE_OR_OPEN  O_CREAT
#define NXT_FILE_TRUNCATE  (O_TRUNC | O_CREAT)

/** Permission bits of a new file. */
#define NXT_FILE_DEFAULT_ACCESS  0644
#define NXT_FILE_OWNER_ACCESS  0600

#define nxt_stdout  STDOUT_FILENO
#define nxt_stderr  STDERR_FILENO

#define nxt_is_dir(info)  (S_ISDIR((info)->st_mode))
#define nxt_is_file(info)  (S_ISREG((info)->st_mode))
#define nxt_file_size(info)  ((info)->st_size)
#define nxt_file_mtime(info)  ((info)->st_mtime)

#define nxt_file_name_str_set(file_name, pool, name)  \
    ((file_name) = (nxt_file_name_t *) (name), NXT_OK)
#define nxt_file_name_alloc(pool, size)  nxt_mp_nget(pool, size)
#define nxt_file_name_copy(to, from, size)  nxt_cpymem(to, from, size)
#define nxt_file_name_add(to, from, size)  nxt_cpymem(to, from, size)
#define nxt_file_name_eq(a, b)  (nxt_strcmp(a, b) == 0)
#define nxt_file_name_is_absolute(name)  ((name)[0] == '/')

#define nxt_write_console(fd, bytes, size)  write(fd, bytes, size)
#define nxt_write_syslog(priority, text)  syslog(priority, "%s", text)

/**
 * Opens a file: `mode` is one of `NXT_FILE_RDONLY` and its kin, `create` of `NXT_FILE_OPEN` and
 * its kin, `access` the permission bits of a new file. It is opened without blocking on pipes and
 * devices. The descriptor goes to `fd`, the error to `error`.
 *
 * Requires:
 * `task` is NULL or valid; `file` is NULL or valid, its name ending with a NUL.
 */
nxt_int_t nxt_file_open(nxt_task_t *task,
                        nxt_file_t *file,
                        nxt_uint_t mode,
                        nxt_uint_t create,
                        nxt_file_access_t access);

/**
 * As `nxt_file_open`, from the folder `dfd`, with rules of openat2(2) for the way there.
 *
 * Requires:
 * As `nxt_file_open`.
 */
nxt_int_t nxt_file_openat2(nxt_task_t *task,
                           nxt_file_t *file,
                           nxt_uint_t mode,
                           nxt_uint_t create,
                           nxt_file_access_t access,
                           nxt_fd_t dfd,
                           nxt_uint_t resolve);

/**
 * Closes a file.
 *
 * Requires:
 * `task` is NULL or valid; `file` is NULL or valid, and owns its descriptor.
 */
void nxt_file_close(nxt_task_t *task, nxt_file_t *file);

/**
 * Writes at an offset: how many bytes, or `NXT_ERROR`.
 *
 * Requires:
 * `file` is NULL or valid; `buf` has `size` readable bytes.
 */
ssize_t nxt_file_write(nxt_file_t *file,
                         const uint8_t *buf,
                         size_t size,
                         nxt_off_t offset);

/**
 * Reads at an offset: how many bytes, 0 at the end, or `NXT_ERROR`.
 *
 * Requires:
 * `file` is NULL or valid; `buf` has `size` writable bytes.
 */
ssize_t nxt_file_read(nxt_file_t *file,
                        uint8_t *buf,
                        size_t size,
                        nxt_off_t offset);

/**
 * Has the kernel read a stretch of a file ahead.
 *
 * Requires:
 * `file` is NULL or valid.
 */
void nxt_file_read_ahead(nxt_file_t *file, nxt_off_t offset, size_t size);

/**
 * Asks what a file is: by its descriptor, or, if that is none, by its name.
 *
 * Requires:
 * `file` is NULL or valid, its name ending with a NUL; `fi` is NULL or writable.
 */
nxt_int_t nxt_file_info(nxt_file_t *file,
                        nxt_file_info_t *fi);

/**
 * Removes a file.
 *
 * Requires:
 * `name` is NULL or ends with a NUL.
 */
nxt_int_t nxt_file_delete(nxt_file_name_t *name);

/**
 * Changes the permission bits of a file.
 *
 * Requires:
 * `name` is NULL or ends with a NUL.
 */
nxt_int_t nxt_file_set_access(nxt_file_name_t *name,
                              nxt_file_access_t access);

/**
 * Gives a file to another owner and group, by name; NULL leaves one as it is.
 *
 * Requires:
 * Each name is NULL or ends with a NUL.
 */
nxt_int_t nxt_file_chown(nxt_file_name_t *name,
                         const char *owner,
                         const char *group);

/**
 * Gives a file another name.
 *
 * Requires:
 * Each name is NULL or ends with a NUL.
 */
nxt_int_t nxt_file_rename(nxt_file_name_t *old_name,
                          nxt_file_name_t *new_name);

/**
 * Makes calls on a descriptor not wait.
 *
 * Requires:
 * `task` is NULL or valid.
 */
nxt_int_t nxt_fd_nonblocking(nxt_task_t *task, nxt_fd_t fd);

/**
 * Makes calls on a descriptor wait.
 *
 * Requires:
 * `task` is NULL or valid.
 */
nxt_int_t nxt_fd_blocking(nxt_task_t *task, nxt_fd_t fd);

/**
 * Writes: how many bytes, or -1 with the error in `errno`.
 *
 * Requires:
 * `buf` has `size` readable bytes.
 */
ssize_t nxt_fd_write(nxt_fd_t fd, uint8_t *buf, size_t size);

/**
 * Reads: how many bytes; 0 at the end, and where there is nothing without waiting; -1 with the
 * error in `errno`.
 *
 * Requires:
 * `buf` has `size` writable bytes.
 */
ssize_t nxt_fd_read(nxt_fd_t fd,
                      uint8_t *buf,
                      size_t size);

/** Closes a descriptor. */
void nxt_fd_close(nxt_fd_t fd);

/**
 * Opens a stream of the C library; NULL on failure.
 *
 * Requires:
 * `task` is NULL or valid; both texts are NULL or end with a NUL.
 */
FILE *nxt_file_fopen(nxt_task_t *task,
                     const char *pathname,
                     const char *mode);

/**
 * Closes a stream of the C library.
 *
 * Requires:
 * `task` is NULL or valid; `fp` is NULL or a stream, which is not used afterwards.
 */
void nxt_file_fclose(nxt_task_t *task,
                     FILE *fp);

/**
 * Puts `fd` in the place of a file's descriptor; `fd` itself is closed.
 *
 * Requires:
 * `file` is NULL or valid; `fd` belongs to the caller.
 */
nxt_int_t nxt_file_redirect(nxt_file_t *file, nxt_fd_t fd);

/**
 * Makes the standard output go to a file.
 *
 * Requires:
 * `file` is NULL or valid.
 */
nxt_int_t nxt_file_stdout(nxt_file_t *file);

/**
 * Makes the standard error go to a file.
 *
 * Requires:
 * `file` is NULL or valid.
 */
nxt_int_t nxt_file_stderr(nxt_file_t *file);

/**
 * Makes the standard error append, so that records of several processes do not mix; if it is
 * closed, puts the null device there, so that no file gets its number. Answers its flags before,
 * or -1.
 */
nxt_int_t nxt_stderr_start(void);

/**
 * Makes a pipe, each end with or without waiting.
 *
 * Requires:
 * `task` is NULL or valid; `pp` is NULL or has room for two descriptors.
 */
nxt_int_t nxt_pipe_create(nxt_task_t *task,
                          nxt_fd_t *pp,
                          nxt_bool_t nbread,
                          nxt_bool_t nbwrite);

/**
 * Closes both ends of a pipe.
 *
 * Requires:
 * `task` is NULL or valid; `pp` is NULL or has two descriptors that belong to the caller.
 */
void nxt_pipe_close(nxt_task_t *task,
                    nxt_fd_t *pp);

/**
 * Writes the path of the current folder, with a NUL: its length without that, or 0 on failure.
 *
 * Requires:
 * `buf` is NULL or has `len` writable bytes.
 */
size_t nxt_dir_current(char *buf,
                       size_t len);

#endif /* NXT_FILE_H */
