/* How the processes of an application are kept apart: from the configuration to the new root. */

#include <nxt_main.h>
#include <nxt_application.h>
#include <nxt_cgroup.h>
#include <nxt_isolation.h>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

extern char  **environ;

static nxt_task_t             *task;
static nxt_runtime_t          rt;
static nxt_process_t          *process;
static nxt_common_app_conf_t  app;

/* An application whose language needs two mounts. */
static nxt_fs_mount_t  needed[] = {
    { (u_char *) "/nonexistent/language", (u_char *) "/nonexistent/language",
      NXT_FS_BIND, (u_char *) "bind", 0, NULL, 1, 1 },
    { (u_char *) "/etc", (u_char *) "/etc", NXT_FS_BIND, (u_char *) "bind", 0,
      NULL, 1, 1 },
};


static void
languages(nxt_mp_t *mp)
{
    size_t                 i;
    nxt_fs_mount_t         *mount;
    nxt_app_lang_module_t  *lang;

    rt.languages = nxt_array_create(mp, 2, sizeof(nxt_app_lang_module_t));

    static const char  *const versions[] = { "3.11.2", "3.9", "" };

    for (i = 0; i < nxt_nitems(versions); i++) {
        lang = nxt_array_zero_add(rt.languages);
        lang->type = i < 2 ? NXT_APP_PYTHON : NXT_APP_EXTERNAL;
        lang->version = (u_char *) versions[i];
        lang->mounts = nxt_array_create(mp, 2, sizeof(nxt_fs_mount_t));
    }

    lang = rt.languages->elts;

    for (i = 0; i < nxt_nitems(needed); i++) {
        mount = nxt_array_add(lang->mounts);
        *mount = needed[i];
    }
}


static nxt_app_lang_module_t *
language(const char *name)
{
    nxt_str_t  text;

    text.start = (u_char *) name;
    text.length = strlen(name);

    return nxt_app_lang_module(&rt, &text);
}


static void
find_languages(void)
{
    nxt_app_lang_module_t  *all;

    all = rt.languages->elts;

    CHECK(language("python") == &all[0]);
    CHECK(language("python 3") == &all[0]);
    CHECK(language("python3.11") == &all[0]);
    CHECK(language("python 3.9") == &all[1]);
    CHECK(language("external") == &all[2] && language("go") == &all[2]);
    CHECK(language("python 3.1") == NULL);
    CHECK(language("python 2") == NULL);
    CHECK(language("php") == NULL);
    CHECK(language("cobol") == NULL);
    CHECK(language("") == NULL);
}


/* A prototype with this isolation; the answer of the preparation. */
static nxt_int_t
prefork(const char *isolation)
{
    nxt_mp_t                    *mp;
    nxt_conf_json_error_t       error;

    memset(process, 0, sizeof(nxt_process_t));
    mp = nxt_mp_create(1024, 128, 256, 32);
    process->mem_pool = mp;
    process->name = "\"app\" prototype";
    process->data.app = &app;

    app.isolation = NULL;

    if (isolation != NULL) {
        memset(&error, 0, sizeof(error));
        app.isolation = nxt_conf_json_parse(mp, (u_char *) isolation,
                                 (u_char *) isolation + strlen(isolation), &error);
        CHECK(app.isolation != NULL);
    }

    return nxt_isolation_main_prefork(task, process, mp);
}


static void
forget(void)
{
    nxt_mp_destroy(process->mem_pool);
}


static void
read_options(void)
{
    nxt_clone_map_entry_t  *range;

    CHECK(prefork(NULL) == NXT_OK);
    CHECK(process->isolation.new_privs == 1);
    CHECK(process->isolation.rootfs == NULL && process->isolation.mounts == NULL);
    CHECK(process->isolation.cgroup.path == NULL);
    CHECK(process->user_cred == NULL
          || strcmp(process->user_cred->user, rt.user_cred.user) == 0);
    forget();

    CHECK(prefork("{\"new_privs\": false, \"cgroup\": {\"path\": \"a/b\"},"
                  " \"namespaces\": {\"mount\": true, \"uname\": false}}")
          == NXT_OK);
    CHECK(process->isolation.new_privs == 0);
    CHECK(strcmp(process->isolation.cgroup.path, "a/b") == 0);
    CHECK(process->isolation.cgroup_cleanup == nxt_cgroup_cleanup);
    CHECK(process->isolation.clone.flags == CLONE_NEWNS);
    CHECK(process->isolation.automount.tmpfs == 1);
    forget();

    CHECK(prefork("{\"namespaces\": {\"credential\": true},"
                  " \"uidmap\": [{\"container\": 0, \"host\": 0, \"size\": 65536}],"
                  " \"gidmap\": [{\"container\": 0, \"host\": 0, \"size\": 65536}]}")
          == NXT_OK);
    CHECK(process->isolation.clone.uidmap.size == 1);
    CHECK(process->isolation.clone.gidmap.size == 1);
    range = process->isolation.clone.uidmap.map;
    CHECK(range->container == 0 && range->host == 0 && range->size == 65536);
    forget();

    CHECK(prefork("{\"rootfs\": \"/srv/root/\", \"automount\": {\"tmpfs\": false}}")
          == NXT_OK);
    CHECK(strcmp((char *) process->isolation.rootfs, "/srv/root") == 0);
    CHECK(process->isolation.automount.language_deps == 1);
    CHECK(process->isolation.automount.tmpfs == 0);
    CHECK(process->isolation.mounts != NULL && process->isolation.mounts->nelts == 3);
    CHECK(process->isolation.cleanup != NULL);
    forget();
}


static void
refuse_options(void)
{
    size_t  i;

    static const char  *const bad[] = {
        "{\"rootfs\": \"/\"}",
        "{\"rootfs\": \"relative\"}",
        "{\"namespaces\": {\"time\": true}}",
        "{\"uidmap\": [{\"container\": 0, \"host\": 0, \"size\": 1}]}",
        "{\"gidmap\": [{\"container\": 0, \"host\": 0, \"size\": 1}]}",
        "{\"cgroup\": {}}",
        "{\"namespaces\": {\"credential\": true},"
        " \"uidmap\": [{\"container\": 7000000, \"host\": 0, \"size\": 1}]}",
    };

    for (i = 0; i < nxt_nitems(bad); i++) {
        CHECK(prefork(bad[i]) == NXT_ERROR);
        forget();
    }

    /* There is no such user. */
    app.user.start = (u_char *) "no-such-user";
    app.user.length = 12;
    CHECK(prefork(NULL) == NXT_ERROR);
    forget();
    app.user.start = (u_char *) rt.user_cred.user;
    app.user.length = strlen(rt.user_cred.user);

    /* Without privileges another one cannot be had. */
    rt.capabilities.setid = 0;
    rt.capabilities.chroot = 0;
    CHECK(prefork(NULL) == NXT_OK);
    forget();
    CHECK(prefork("{\"rootfs\": \"/srv\"}") == NXT_ERROR);
    forget();
    app.user.start = (u_char *) "daemon";
    app.user.length = 6;
    CHECK(prefork(NULL) == NXT_ERROR);
    forget();
    app.user.start = (u_char *) rt.user_cred.user;
    app.user.length = strlen(rt.user_cred.user);
    nxt_capability_set(task, &rt.capabilities);
}


/* In a process of its own: the mounts are made in the new root, which is then all there is. */
static int
enter(const char *root, int namespaces)
{
    char         path[256];
    struct stat  st;

    if (namespaces) {
        process->isolation.clone.flags |= CLONE_NEWNS;
    }

    if (nxt_isolation_prepare_rootfs(task, process) != NXT_OK) {
        return 1;
    }

    snprintf(path, sizeof(path), "%s/etc/passwd", root);

    if (stat(path, &st) != 0) {
        return 2;
    }

    snprintf(path, sizeof(path), "%s/nonexistent", root);

    if (stat(path, &st) == 0) {
        return 3;
    }

    if (nxt_isolation_change_root(task, process) != NXT_OK) {
        return 4;
    }

    if (stat("/etc/passwd", &st) != 0 || stat("/tmp", &st) != 0) {
        return 5;
    }

    if (stat("/usr", &st) == 0 || stat("/proc/self/status", &st) != 0) {
        return 6;
    }

    return getcwd(path, sizeof(path)) == NULL || strcmp(path, "/") != 0 ? 7 : 0;
}


static void
new_root(int namespaces)
{
    int    status;
    char   root[] = "/tmp/nxt-c-isolation-XXXXXX", text[256];
    pid_t  pid;

    CHECK(mkdtemp(root) != NULL);
    snprintf(text, sizeof(text), "{\"rootfs\": \"%s\"}", root);
    CHECK(prefork(text) == NXT_OK);

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        /* The mounts are the child's own in either case. */
        if (unshare(CLONE_NEWNS) != 0) {
            _exit(77);
        }

        _exit(mount("", "/", "", MS_PRIVATE | MS_REC, NULL) != 0
              ? 78 : enter(root, namespaces));
    }

    status = -1;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));

    if (WEXITSTATUS(status) == 77) {
        printf("isolation: no mount namespaces here\n");

    } else {
        CHECK(WEXITSTATUS(status) == 0);
    }

    forget();
    snprintf(text, sizeof(text), "rm -rf --one-file-system %s", root);
    CHECK(system(text) == 0);
}


static void
no_root(void)
{
    CHECK(prefork("{\"rootfs\": \"/nonexistent/root\","
                  " \"automount\": {\"language_deps\": false}}") == NXT_OK);
    CHECK(nxt_isolation_change_root(task, process) == NXT_ERROR);
    forget();
}


/* Whether a process is in a control group of this name. */
static int
is_in(pid_t pid, const char *name)
{
    int   found;
    char  path[64], line[512];
    FILE  *file;

    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int) pid);
    file = fopen(path, "r");
    found = 0;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        found |= strncmp(line, "0::", 3) == 0 && strstr(line, name) != NULL;
    }

    if (file != NULL) {
        fclose(file);
    }

    return found;
}


static void
control_group(void)
{
    int         pipe_fd[2];
    char        name[64], text[128], byte;
    pid_t       pid;
    nxt_port_t  *port;

    CHECK(pipe(pipe_fd) == 0);
    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        close(pipe_fd[1]);
        _exit(read(pipe_fd[0], &byte, 1) != 0);
    }

    close(pipe_fd[0]);

    snprintf(name, sizeof(name), "nxt-c-%d/leaf", (int) getpid());
    snprintf(text, sizeof(text), "{\"cgroup\": {\"path\": \"/%s\"}}", name);
    CHECK(prefork(text) == NXT_OK);
    process->pid = pid;

    port = calloc(1, sizeof(nxt_port_t));
    port->type = NXT_PROCESS_PROTOTYPE;
    nxt_queue_init(&process->ports);
    nxt_queue_insert_tail(&process->ports, &port->link);

    /* Only main does it, and only for prototypes. */
    rt.type = NXT_PROCESS_ROUTER;
    CHECK(nxt_cgroup_proc_add(task, process) == NXT_OK && !is_in(pid, name));
    rt.type = NXT_PROCESS_MAIN;
    port->type = NXT_PROCESS_APP;
    CHECK(nxt_cgroup_proc_add(task, process) == NXT_OK && !is_in(pid, name));
    port->type = NXT_PROCESS_PROTOTYPE;

    if (nxt_cgroup_proc_add(task, process) == NXT_OK) {
        CHECK(is_in(pid, name));

    } else {
        printf("isolation: no control groups here\n");
    }

    close(pipe_fd[1]);
    CHECK(waitpid(pid, NULL, 0) == pid);

    nxt_cgroup_cleanup(task, process);
    snprintf(text, sizeof(text), "! find /sys/fs/cgroup -name nxt-c-%d 2>/dev/null"
             " | grep -q .", (int) getpid());
    CHECK(system(text) == 0);

    process->isolation.cgroup.path = NULL;
    CHECK(nxt_cgroup_proc_add(task, process) == NXT_OK);

#ifndef ORIGINAL
    process->isolation.cgroup.path = (char *) "../out";
    CHECK(nxt_cgroup_proc_add(task, process) == NXT_ERROR);
    nxt_cgroup_cleanup(task, process);
#endif

    free(port);
    forget();
}


#ifndef ORIGINAL

static void
nothing(void)
{
    nxt_process_t  empty;

    memset(&empty, 0, sizeof(empty));

    CHECK(nxt_isolation_main_prefork(NULL, NULL, NULL) == NXT_ERROR);
    CHECK(nxt_isolation_main_prefork(task, NULL, NULL) == NXT_ERROR);
    CHECK(nxt_isolation_main_prefork(task, &empty, NULL) == NXT_ERROR);
    CHECK(nxt_isolation_prepare_rootfs(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_isolation_prepare_rootfs(task, &empty) == NXT_ERROR);
    CHECK(nxt_isolation_change_root(task, NULL) == NXT_ERROR);
    CHECK(nxt_isolation_change_root(task, &empty) == NXT_ERROR);
    CHECK(nxt_cgroup_proc_add(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_cgroup_proc_add(task, NULL) == NXT_ERROR);
    nxt_cgroup_cleanup(NULL, NULL);
    nxt_cgroup_cleanup(task, &empty);
    CHECK(nxt_app_lang_module(NULL, NULL) == NULL);
    CHECK(nxt_app_lang_module(&rt, NULL) == NULL);
}

#endif


int
main(int argc, char **argv)
{
    nxt_mp_t  *mp;

    (void) argc;

    CHECK(nxt_lib_start("isolation", argv, &environ) == NXT_OK);
    nxt_main_log.level = NXT_LOG_ALERT;
    task = &nxt_main_task;
    task->thread->runtime = &rt;

    mp = nxt_mp_create(1024, 128, 256, 32);
    languages(mp);
    find_languages();

    rt.mem_pool = mp;
    rt.user_cred.user = getuid() == 0 ? "root" : getenv("USER");
    rt.group = "";
    CHECK(nxt_capability_set(task, &rt.capabilities) == NXT_OK);

    app.name.start = (u_char *) "app";
    app.name.length = 3;
    app.type.start = (u_char *) "python";
    app.type.length = 6;
    app.user.start = (u_char *) rt.user_cred.user;
    app.user.length = strlen(rt.user_cred.user);

    process = calloc(1, sizeof(nxt_process_t) + sizeof(nxt_process_init_t));

    if (rt.capabilities.setid && rt.capabilities.chroot) {
        read_options();
        refuse_options();
        new_root(0);
        new_root(1);
        no_root();
        control_group();

    } else {
        CHECK(prefork(NULL) == NXT_OK);
        forget();
        CHECK(prefork("{\"rootfs\": \"/srv\"}") == NXT_ERROR);
        forget();
    }

#ifndef ORIGINAL
    nothing();
#endif

    free(process);
    nxt_mp_destroy(mp);

    return REPORT("isolation");
}
