/*
 * A program that hands over to nxt_main_process_start: it becomes the main
 * process of Unit, with the settings of its runtime, and serves requests.
 */

#define _GNU_SOURCE

#include <nxt_main.h>
#include <nxt_runtime.h>
#include <nxt_main_process.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

extern char  **environ;

static char  folder[] = "/tmp/nxt-host-XXXXXX";


static void
start(nxt_task_t *task, nxt_uint_t status)
{
    (void) status;

    if (nxt_main_process_start(NULL, NULL, NULL) != NXT_ERROR) {
        _exit(4);
    }

    nxt_main_process_start(task->thread, task, task->thread->runtime);

    /* It only returns if it cannot start. */
    _exit(5);
}


static void
run(char **main_argv)
{
    char  log[100], pid[100], control[100];
    char  *options[] = {
        "host", "--no-daemon", "--log", log, "--pid", pid, "--control", control,
        "--statedir", folder, "--tmpdir", folder, "--modulesdir", folder, NULL
    };

    snprintf(log, sizeof(log), "%s/log", folder);
    snprintf(pid, sizeof(pid), "%s/pid", folder);
    snprintf(control, sizeof(control), "unix:%s/control", folder);

    if (nxt_lib_start("host", main_argv, &environ) != NXT_OK) {
        _exit(2);
    }

    nxt_process_argv = options;

    if (nxt_runtime_create(&nxt_main_task) != NXT_OK) {
        _exit(3);
    }

    nxt_main_task.thread->runtime->start = start;
    nxt_event_engine_start(nxt_main_task.thread->engine);
}


/* Sends a request to a socket in the folder, and reads the whole answer. */

static int
request(const char *name, const char *text, char *answer, size_t room)
{
    int                 fd;
    size_t              length;
    ssize_t             size;
    struct sockaddr_un  address;

    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, name);

    length = 0;
    answer[0] = '\0';
    fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) != 0
        || write(fd, text, strlen(text)) != (ssize_t) strlen(text))
    {
        close(fd);
        return 0;
    }

    while (length + 1 < room) {
        size = read(fd, answer + length, room - length - 1);

        if (size <= 0) {
            break;
        }

        length += (size_t) size;
        answer[length] = '\0';
    }

    close(fd);

    return length != 0;
}


int
main(int argc, char **argv)
{
    int    i, status;
    char   body[300], text[600], answer[4096], command[100];
    pid_t  pid;

    (void) argc;

    if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0) {
        return 1;
    }

    pid = fork();

    if (pid == 0) {
        alarm(60);
        run(argv);
        return 1;
    }

    snprintf(body, sizeof(body),
             "{\"listeners\": {\"unix:%s/http\": {\"pass\": \"routes\"}},"
             " \"routes\": [{\"action\": {\"return\": 204}}]}", folder);
    snprintf(text, sizeof(text),
             "PUT /config HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n\r\n%s", strlen(body), body);

    for (i = 0; i < 300 && !request("control", text, answer, sizeof(answer));
         i++)
    {
        usleep(100000);
    }

    CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
    CHECK(strstr(answer, "Reconfiguration done.") != NULL);

    CHECK(request("http", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                  answer, sizeof(answer)));
    CHECK(strncmp(answer, "HTTP/1.1 204 ", 13) == 0);
    CHECK(strstr(answer, "\r\nServer: " NXT_SERVER "\r\n") != NULL);

    CHECK(kill(pid, SIGTERM) == 0);
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    if (failures != 0) {
        snprintf(command, sizeof(command), "cat %s/log >&2", folder);
        (void) !system(command);
    }

    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK(system(command) == 0);

    return REPORT("host_main");
}
