/* Files, descriptors, pipes, mapped memory, users. */

#include <nxt_main.h>

#include "check.h"

extern char  **environ;

static int   records;
static char  last[512];


static void
record(nxt_uint_t level, nxt_log_t *log, const char *fmt, ...)
{
    u_char   *end;
    va_list  args;

    (void) level;
    (void) log;
    va_start(args, fmt);
    end = nxt_vsprintf((u_char *) last, (u_char *) last + sizeof(last) - 1, fmt,
                       args);
    va_end(args);
    *end = '\0';
    records++;
}


static nxt_log_t   silent = { NXT_LOG_INFO, 0, record, NULL, NULL };
static nxt_task_t  task = { NULL, &silent, 0, NULL };


static void
files(const char *folder)
{
    char             name[256], other[256];
    u_char           buf[16];
    nxt_file_t       file;
    nxt_file_info_t  info;

    snprintf(name, sizeof(name), "%s/file", folder);
    snprintf(other, sizeof(other), "%s/other", folder);

    memset(&file, 0, sizeof(file));
    file.name = (nxt_file_name_t *) name;
    CHECK(nxt_file_open(&task, &file, NXT_FILE_RDONLY, NXT_FILE_OPEN, 0)
          == NXT_ERROR);
    CHECK(file.error == ENOENT && records == 0);
    file.log_level = NXT_LOG_ERR;
    CHECK(nxt_file_open(&task, &file, NXT_FILE_RDONLY, NXT_FILE_OPEN, 0)
          == NXT_ERROR);
    CHECK(records == 1 && strstr(last, "No such file") != NULL);

    CHECK(nxt_file_open(&task, &file, NXT_FILE_RDWR, NXT_FILE_TRUNCATE,
                        NXT_FILE_OWNER_ACCESS) == NXT_OK);
    CHECK(nxt_file_write(&file, (const u_char *) "hello", 5, 2) == 5);
    CHECK(nxt_file_read(&file, buf, sizeof(buf), 0) == 7);
    CHECK(memcmp(buf, "\0\0hello", 7) == 0);
    CHECK(nxt_file_read(&file, buf, sizeof(buf), 100) == 0);
    nxt_file_read_ahead(&file, 0, 7);
    CHECK(nxt_file_info(&file, &info) == NXT_OK && nxt_file_size(&info) == 7);
    CHECK(nxt_is_file(&info) && !nxt_is_dir(&info));
    nxt_file_close(&task, &file);

    file.fd = NXT_FILE_INVALID;
    CHECK(nxt_file_info(&file, &info) == NXT_OK);
    CHECK((info.st_mode & 0777) == NXT_FILE_OWNER_ACCESS);
    CHECK(nxt_file_set_access(file.name, 0640) == NXT_OK);
    CHECK(nxt_file_chown(file.name, NULL, NULL) == NXT_OK);
    CHECK(nxt_file_chown(file.name, "no such user", NULL) == NXT_ERROR);
    CHECK(nxt_file_rename(file.name, (nxt_file_name_t *) other) == NXT_OK);
    CHECK(nxt_file_delete((nxt_file_name_t *) other) == NXT_OK);
    CHECK(nxt_file_delete((nxt_file_name_t *) other) == NXT_ERROR);
    CHECK(strstr(last, "unlink(\"") != NULL);

    CHECK(nxt_file_openat2(&task, &file, NXT_FILE_RDONLY, NXT_FILE_OPEN, 0,
                           AT_FDCWD, 0) == NXT_ERROR);
    CHECK(nxt_file_open(&task, NULL, 0, 0, 0) == NXT_ERROR);
    CHECK(nxt_file_write(NULL, buf, 1, 0) == NXT_ERROR);
    CHECK(nxt_file_delete(NULL) == NXT_ERROR);
    CHECK(nxt_file_rename(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_file_info(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_file_fopen(&task, NULL, NULL) == NULL);
}


static void
descriptors(void)
{
    FILE      *stream;
    char      folder[4096];
    u_char    buf[8];
    nxt_fd_t  ends[2];

    CHECK(nxt_pipe_create(&task, ends, 1, 0) == NXT_OK);
    CHECK(nxt_fd_read(ends[0], buf, sizeof(buf)) == 0);
    CHECK(nxt_fd_write(ends[1], (u_char *) "ab", 2) == 2);
    CHECK(nxt_fd_read(ends[0], buf, sizeof(buf)) == 2);
    CHECK(nxt_fd_blocking(&task, ends[0]) == NXT_OK);
    CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) == 0);
    CHECK(nxt_fd_nonblocking(&task, -1) == NXT_ERROR);
    nxt_pipe_close(&task, ends);
    CHECK(nxt_pipe_create(&task, NULL, 0, 0) == NXT_ERROR);
    CHECK(nxt_fd_write(-1, buf, 1) == -1 && errno == EBADF);
    CHECK(nxt_fd_read(-1, buf, 1) == -1 && errno == EBADF);

    stream = nxt_file_fopen(&task, "/dev/null", "r");
    CHECK(stream != NULL);
    nxt_file_fclose(&task, stream);
    nxt_file_fclose(&task, NULL);
    CHECK(nxt_dir_current(folder, sizeof(folder)) == strlen(folder));
    CHECK(nxt_dir_current(folder, 1) == 0 && nxt_dir_current(NULL, 9) == 0);
}


static void
mapped(void)
{
    char  *p;

    p = nxt_mem_map(NULL, NULL, 4096, NXT_MEM_MAP_READ | NXT_MEM_MAP_WRITE,
                    NXT_MEM_MAP_SHARED, -1, 0);
    CHECK(p != NXT_MEM_MAP_FAILED);
    p[4095] = 1;
    nxt_mem_unmap(p, NULL, 4096);
    CHECK(nxt_mem_mmap(NULL, 0, 0, 0, -1, 0) == NXT_MEM_MAP_FAILED);
}


static void
users(void)
{
    nxt_mp_t            *mp;
    nxt_runtime_t       rt;
    nxt_thread_t        *thr = nxt_thread();
    nxt_credential_t    user;
    nxt_capabilities_t  caps = { 0, 0 };
    nxt_clone_map_entry_t       entry = { 0, 1000, 10 };
    nxt_clone_credential_map_t  map = { 1, &entry };

    mp = nxt_mp_create(1024, 128, 128, 16);
    memset(&user, 0, sizeof(user));
    CHECK(nxt_credential_get(&task, mp, &user, NULL) == NXT_ERROR);
    user.user = "root";
    CHECK(nxt_credential_get(&task, mp, &user, "") == NXT_OK);
    CHECK(user.uid == 0 && user.base_gid == 0 && user.ngroups > 0);
    CHECK(nxt_credential_get(&task, mp, &user, "no such group") == NXT_ERROR);
    CHECK(nxt_capability_set(&task, &caps) == NXT_OK);
    CHECK(nxt_capability_set(&task, NULL) == NXT_ERROR);
    CHECK(geteuid() != 0 || caps.setid == 1);

    memset(&rt, 0, sizeof(rt));
    rt.capabilities.setid = 1;
    thr->runtime = &rt;
    task.thread = thr;
    user.ngroups = 0;
    CHECK(nxt_clone_vldt_credential_uidmap(&task, &map, &user) == NXT_OK);
    CHECK(nxt_clone_vldt_credential_gidmap(&task, &map, &user) == NXT_OK);
    user.uid = 77;
    CHECK(nxt_clone_vldt_credential_uidmap(&task, &map, &user) == NXT_ERROR);
    CHECK(strstr(last, "no \"container\" entry") != NULL);
    CHECK(nxt_clone_vldt_credential_uidmap(&task, NULL, &user) == NXT_OK);
    CHECK(nxt_clone_vldt_credential_uidmap(&task, &map, NULL) == NXT_ERROR);
    CHECK(nxt_clone_credential_map(&task, -1, &user, NULL) == NXT_ERROR);
    nxt_mp_destroy(mp);
}


int
main(int argc, char **argv)
{
    char  folder[] = "/tmp/nxt-files-XXXXXX";

    (void) argc;
    CHECK(nxt_lib_start(argv[0], argv, &environ) == NXT_OK);
    nxt_thread()->log = &silent;
    CHECK(mkdtemp(folder) != NULL);

    files(folder);
    descriptors();
    mapped();
    users();

    rmdir(folder);

    return REPORT("files");
}
