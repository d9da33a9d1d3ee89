/* Files, descriptors and pipes. */

#ifndef NXT_FILE_H
#define NXT_FILE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

@ nxt_fd_t

@ nxt_file_name_t

@ nxt_file_name_str_t

@ nxt_file_access_t

@ nxt_file_info_t

@ nxt_file_type_t

@ NXT_FILE_UNKNOWN

@ NXT_FILE_REGULAR

@ NXT_FILE_ACCESSED_LONG_AGO

@ NXT_FILE_INVALID

@ nxt_file_t

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

@ nxt_file_open

@ nxt_file_openat2

@ nxt_file_close

@ nxt_file_write

@ nxt_file_read

@ nxt_file_read_ahead

@ nxt_file_info

@ nxt_file_delete

@ nxt_file_set_access

@ nxt_file_chown

@ nxt_file_rename

@ nxt_fd_nonblocking

@ nxt_fd_blocking

@ nxt_fd_write

@ nxt_fd_read

@ nxt_fd_close

@ nxt_file_fopen

@ nxt_file_fclose

@ nxt_file_redirect

@ nxt_file_stdout

@ nxt_file_stderr

@ nxt_stderr_start

@ nxt_pipe_create

@ nxt_pipe_close

@ nxt_dir_current

#endif /* NXT_FILE_H */
