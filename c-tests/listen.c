/* Socket addresses, and the listening sockets of a runtime. */

#include <nxt_main.h>

#include <arpa/inet.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

extern char  **environ;

static nxt_task_t     *task;
static nxt_runtime_t  rt;
static char           folder[] = "/tmp/nxt-c-listen-XXXXXX";


static nxt_sockaddr_t *
parsed(const char *text)
{
    nxt_str_t       string;
    nxt_sockaddr_t  *sa;
    static char     copy[256];

    string.length = strlen(text);
    string.start = (u_char *) strcpy(copy, text);
    sa = nxt_sockaddr_parse(rt.mem_pool, &string);

    if (sa != NULL) {
        sa->type = SOCK_STREAM;
    }

    return sa;
}


static int
reads(nxt_sockaddr_t *sa, const char *text, const char *address, const char *port)
{
    return sa != NULL
           && sa->length == strlen(text)
           && memcmp(nxt_sockaddr_start(sa), text, sa->length) == 0
           && sa->address_length == strlen(address)
           && memcmp(nxt_sockaddr_address(sa), address, strlen(address)) == 0
           && (size_t) nxt_sockaddr_port_length(sa) == strlen(port)
           && memcmp(nxt_sockaddr_port(sa), port, strlen(port)) == 0;
}


static void
addresses(void)
{
    nxt_sockaddr_t      *sa, *other;
    struct in6_addr     in6;
    struct sockaddr_un  un;
    nxt_str_t           one = nxt_string("::1"), two = nxt_string("1.2.3.4:5");

    sa = parsed("127.0.0.1:8080");
    CHECK(reads(sa, "127.0.0.1:8080", "127.0.0.1", "8080"));
    CHECK(sa->socklen == sizeof(struct sockaddr_in));
    CHECK(sa->u.sockaddr_in.sin_port == htons(8080));
    CHECK(nxt_sockaddr_port_number(sa) == 8080);
    CHECK(reads(parsed("*:80"), "0.0.0.0:80", "0.0.0.0", "80"));
    CHECK(reads(parsed("[2001:db8::1]:443"), "[2001:db8::1]:443", "2001:db8::1",
                "443"));

    sa = parsed("unix:/run/x.sock");
    CHECK(reads(sa, "unix:/run/x.sock", "unix:/run/x.sock", ""));
    CHECK(strcmp(sa->u.sockaddr_un.sun_path, "/run/x.sock") == 0);
    CHECK(nxt_sockaddr_port_number(sa) == 0);

    sa = parsed("unix:@name");
    CHECK(reads(sa, "unix:@name", "unix:@name", ""));
    CHECK(sa->socklen == 2 + 5);

    CHECK(parsed("") == NULL);
    CHECK(parsed("127.0.0.1") == NULL);
    CHECK(parsed("127.0.0.1:65536") == NULL);
    CHECK(parsed("localhost:80") == NULL);
    CHECK(parsed("[::g]:80") == NULL);

    other = nxt_sockaddr_parse_optport(rt.mem_pool, &one);
    CHECK(other != NULL && nxt_sockaddr_port_number(other) == 0);

    /* An address is the same whatever else is in the structure. */
    sa = parsed("10.0.0.1:80");
    other = nxt_sockaddr_copy(rt.mem_pool, sa);
    other->u.sockaddr_in.sin_zero[0] = 1;
    CHECK(nxt_sockaddr_cmp(sa, other));
    CHECK(!nxt_sockaddr_cmp(sa, parsed("10.0.0.1:81")));
    CHECK(!nxt_sockaddr_cmp(sa, parsed("10.0.0.2:80")));
    CHECK(!nxt_sockaddr_cmp(sa, parsed("[::1]:80")));
    other->type = SOCK_DGRAM;
    CHECK(!nxt_sockaddr_cmp(sa, other));
    CHECK(nxt_sockaddr_cmp(parsed("unix:/a"), parsed("unix:/a")));
    CHECK(!nxt_sockaddr_cmp(parsed("unix:/a"), parsed("unix:/b")));

    /* A unix socket without a name. */
    memset(&un, 0, sizeof(un));
    un.sun_family = AF_UNIX;
    sa = nxt_sockaddr_create(rt.mem_pool, (struct sockaddr *) &un, 2, 5);
    CHECK(sa != NULL && sa->socklen == 3 && sa->length == 5);

    CHECK(nxt_inet_addr((u_char *) "10.1.2.3", 8) == htonl(0x0A010203));
    CHECK(nxt_inet_addr((u_char *) "10.1.2", 6) == INADDR_NONE);
    CHECK(nxt_inet_addr((u_char *) "10.1.2.256", 10) == INADDR_NONE);
    CHECK(nxt_inet6_addr(&in6, (u_char *) "::1", 3) == NXT_OK && in6.s6_addr[15] == 1);
    CHECK(nxt_inet6_addr(&in6, (u_char *) "1::2::3", 7) == NXT_ERROR);
    CHECK(nxt_inet6_probe(&one) && !nxt_inet6_probe(&two));
}


/* Whether a client is let in. */
static int
answers(nxt_sockaddr_t *sa)
{
    int  s, result;

    s = socket(sa->u.sockaddr.sa_family, SOCK_STREAM, 0);
    result = connect(s, &sa->u.sockaddr, sa->socklen) == 0;
    close(s);

    return result;
}


static void
sockets(void)
{
    char                 path[128], text[160];
    struct stat          st;
    nxt_sockaddr_t       *sa, *bound;
    struct sockaddr_in   in;
    nxt_listen_socket_t  *ls, *file, previous;

    rt.listen_sockets = nxt_array_create(rt.mem_pool, 2,
                                         sizeof(nxt_listen_socket_t));

    /* The system chooses the port. */
    memset(&in, 0, sizeof(in));
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sa = nxt_sockaddr_create(rt.mem_pool, (struct sockaddr *) &in, sizeof(in),
                             NXT_INET_ADDR_STR_LEN);
    sa->type = SOCK_STREAM;

    ls = nxt_runtime_listen_socket_add(&rt, sa);
    CHECK(ls != NULL && ls->socket == -1 && ls->backlog == NXT_LISTEN_BACKLOG);
    CHECK(ls->sockaddr != sa && nxt_sockaddr_cmp(ls->sockaddr, sa));
    CHECK(reads(ls->sockaddr, "127.0.0.1:0", "127.0.0.1", "0"));
    ls->flags = NXT_NONBLOCK;

    snprintf(path, sizeof(path), "%s/file", folder);
    snprintf(text, sizeof(text), "unix:%s", path);
    CHECK(nxt_runtime_listen_socket_add(&rt, parsed(text)) != NULL);

    rt.control_mode = 0620;
    CHECK(nxt_runtime_listen_sockets_create(task, &rt) == NXT_OK);

    ls = rt.listen_sockets->elts;
    file = ls + 1;

    bound = nxt_getsockname(task, rt.mem_pool, ls->socket);
    CHECK(bound != NULL && nxt_sockaddr_port_number(bound) != 0);
    CHECK(answers(bound));
    CHECK(fcntl(ls->socket, F_GETFL) & O_NONBLOCK);

    CHECK(answers(file->sockaddr));
    CHECK((fcntl(file->socket, F_GETFL) & O_NONBLOCK) == 0);
    CHECK(stat(path, &st) == 0 && S_ISSOCK(st.st_mode));
    CHECK((st.st_mode & 0777) == 0620);

    nxt_listen_socket_remote_size(ls);
    CHECK(ls->socklen == sizeof(struct sockaddr_in));
    CHECK(ls->address_length == NXT_INET_ADDR_STR_LEN);
    nxt_listen_socket_remote_size(file);
    CHECK(file->socklen == 3 && file->address_length == 5);

    /* Somebody listens there already. */
    memset(&previous, 0, sizeof(previous));
    previous.sockaddr = file->sockaddr;
    previous.socket = -1;
    CHECK(nxt_listen_socket_create(task, rt.mem_pool, &previous) == NXT_ERROR);
    CHECK(previous.socket == -1 && answers(file->sockaddr));
    previous.sockaddr = bound;
    bound->type = SOCK_STREAM;
    CHECK(nxt_listen_socket_create(task, rt.mem_pool, &previous) == NXT_ERROR);

    /* Only streams listen. */
    previous.sockaddr = sa;
    sa->type = SOCK_DGRAM;
    CHECK(nxt_listen_socket_create(task, rt.mem_pool, &previous) == NXT_ERROR);
    CHECK(previous.socket == -1);

    /* The sockets of the program before are taken over. */
    rt.inherited_sockets = nxt_array_create(rt.mem_pool, 1,
                                            sizeof(nxt_listen_socket_t));
    *(nxt_listen_socket_t *) nxt_array_add(rt.inherited_sockets) = *file;
    nxt_array_remove(rt.listen_sockets, ls);
    ls = rt.listen_sockets->elts;
    ls->socket = -1;
    CHECK(nxt_runtime_listen_sockets_create(task, &rt) == NXT_OK);
    previous = *(nxt_listen_socket_t *) rt.inherited_sockets->elts;
    CHECK(ls->socket == previous.socket);

    previous.socket = -1;
    CHECK(nxt_listen_socket_update(task, ls, &previous) == NXT_ERROR);
    CHECK(nxt_listen_socket(task, -1, 1) == NXT_ERROR);
}


static void
control(void)
{
    char                 path[128], text[160];
    struct stat          st;
    nxt_listen_socket_t  *ls;

    snprintf(path, sizeof(path), "%s/run/control", folder);
    snprintf(text, sizeof(text), "unix:%s", path);
    rt.controller_listen = parsed(text);
    rt.control_mode = 0;

    CHECK(nxt_runtime_controller_socket(task, &rt) == NXT_OK);
    ls = rt.controller_socket;
    CHECK(ls != NULL && ls->socket != -1 && ls->sockaddr == rt.controller_listen);
    CHECK(ls->read_after_accept == 1 && ls->flags == NXT_NONBLOCK);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(answers(ls->sockaddr));

    /* A second one cannot be had, and nothing is left of the attempt. */
    CHECK(nxt_runtime_controller_socket(task, &rt) == NXT_ERROR);
    CHECK(rt.controller_socket == ls);
    strcat(path, ".tmp");
    CHECK(stat(path, &st) != 0);

    /* One that nobody listens on any more is replaced. */
    close(ls->socket);
    CHECK(nxt_runtime_controller_socket(task, &rt) == NXT_OK);
    CHECK(rt.controller_socket != ls && answers(ls->sockaddr));
    close(rt.controller_socket->socket);

    rt.control_user = "no-such-user";
    CHECK(nxt_runtime_controller_socket(task, &rt) == NXT_ERROR);
    rt.control_user = NULL;

#ifndef ORIGINAL
    rt.controller_listen = NULL;
    rt.control = "127.0.0.1";
    CHECK(nxt_runtime_controller_socket(task, &rt) == NXT_ERROR);
    rt.control = text;
    CHECK(nxt_runtime_controller_socket(task, &rt) == NXT_OK);
    CHECK(answers(rt.controller_listen));
    close(rt.controller_socket->socket);
#endif
}


static int               accepted, closed;
static nxt_conn_state_t  idle;


static void
close_connection(nxt_task_t *t, void *obj, void *data)
{
    nxt_conn_t  *c;

    (void) data;

    c = obj;
    nxt_conn_active(t->thread->engine, c);
    close(c->socket.fd);
    nxt_conn_free(t, c);
    closed++;
}


static void
client(nxt_task_t *t, void *obj, void *data)
{
    nxt_conn_t          *c;
    nxt_listen_event_t  *lev;

    c = obj;
    lev = data;
    accepted++;

    CHECK(t == &c->task && c->listen == lev && c->idle);
    CHECK(c->socket.fd >= 0 && (fcntl(c->socket.fd, F_GETFL) & O_NONBLOCK));
    CHECK(c->remote->length > 10
          && memcmp(nxt_sockaddr_start(c->remote), "127.0.0.1:", 10) == 0);
    CHECK(t->thread->engine->connections == 1);
    CHECK(t->thread->engine->accepted_conns_cnt == (uint64_t) accepted);

    idle.close_handler = close_connection;
    c->read_state = &idle;

    /* There is room for one only: it was closed to make room for the next. */
    if (accepted == 3) {
        CHECK(closed == 2);
        close_connection(t, c, NULL);
        _exit(failures != 0);
    }
}


/* An engine accepts; in a process of its own, as it does nothing else. */
static void
serve(void)
{
    int                  status, i, s[3];
    pid_t                pid;
    nxt_sockaddr_t       *bound;
    struct sockaddr_in   in;
    nxt_event_engine_t   *engine;
    nxt_listen_socket_t  *ls;

    memset(&in, 0, sizeof(in));
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bound = nxt_sockaddr_create(rt.mem_pool, (struct sockaddr *) &in, sizeof(in),
                                NXT_INET_ADDR_STR_LEN);
    bound->type = SOCK_STREAM;

    rt.inherited_sockets = NULL;
    rt.listen_sockets = nxt_array_create(rt.mem_pool, 1,
                                         sizeof(nxt_listen_socket_t));
    ls = nxt_runtime_listen_socket_add(&rt, bound);
    ls->flags = NXT_NONBLOCK;
    ls->handler = client;
    nxt_listen_socket_remote_size(ls);
    CHECK(nxt_runtime_listen_sockets_create(task, &rt) == NXT_OK);
    bound = nxt_getsockname(task, rt.mem_pool, ls->socket);

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        alarm(20);

        engine = nxt_event_engine_create(task, &nxt_epoll_edge_engine, NULL, 0, 1);
        engine->mem_pool = nxt_mp_create(1024, 128, 256, 32);
        engine->max_connections = 1;
        task->thread->engine = engine;

        if (nxt_runtime_listen_sockets_enable(task, &rt) != NXT_OK
            || nxt_queue_is_empty(&engine->listen_connections))
        {
            _exit(2);
        }

        nxt_event_engine_start(engine);
        _exit(3);
    }

    for (i = 0; i < 3; i++) {
        s[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(connect(s[i], &bound->u.sockaddr, bound->socklen) == 0);
    }

    status = -1;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    for (i = 0; i < 3; i++) {
        close(s[i]);
    }

    close(ls->socket);
}


#ifndef ORIGINAL

static void
nothing(void)
{
    nxt_sockaddr_t       *sa;
    nxt_listen_socket_t  ls;

    memset(&ls, 0, sizeof(ls));

    /* Without an engine nobody accepts. */
    rt.listen_sockets = nxt_array_create(rt.mem_pool, 1,
                                         sizeof(nxt_listen_socket_t));
    CHECK(nxt_runtime_listen_sockets_enable(task, &rt) == NXT_OK);
    ((nxt_listen_socket_t *) nxt_array_zero_add(rt.listen_sockets))->flags =
        NXT_NONBLOCK;
    CHECK(nxt_runtime_listen_sockets_enable(task, &rt) == NXT_ERROR);
    CHECK(nxt_runtime_listen_sockets_enable(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_listen_event(task, &ls) == NULL);
    CHECK(nxt_listen_event(NULL, NULL) == NULL);
    CHECK(nxt_conn_create(rt.mem_pool, task) == NULL);
    nxt_conn_free(task, NULL);
    nxt_conn_accept(NULL, NULL, NULL);
    nxt_conn_accept_error(NULL, NULL, NULL, EMFILE);
    nxt_conn_io_accept(NULL, NULL, NULL);

    nxt_sockaddr_text(NULL);
    CHECK(nxt_sockaddr_alloc(NULL, 16, 10) == NULL);
    CHECK(nxt_sockaddr_alloc(rt.mem_pool, 256, 10) == NULL);
    CHECK(nxt_sockaddr_alloc(rt.mem_pool, 16, 256) == NULL);
    CHECK(nxt_sockaddr_create(NULL, NULL, 0, 0) == NULL);
    CHECK(nxt_sockaddr_copy(rt.mem_pool, NULL) == NULL);
    CHECK(nxt_sockaddr_parse(rt.mem_pool, NULL) == NULL);
    CHECK(nxt_sockaddr_parse_optport(NULL, NULL) == NULL);
    CHECK(nxt_sockaddr_port_number(NULL) == 0);
    CHECK(nxt_sockaddr_cmp(NULL, NULL) == 0);
    CHECK(nxt_getsockname(task, rt.mem_pool, -1) == NULL);
    CHECK(nxt_inet_addr(NULL, 4) == INADDR_NONE);
    CHECK(nxt_inet6_addr(NULL, NULL, 0) == NXT_ERROR);
    CHECK(!nxt_inet6_probe(NULL));

    /* A text is cut off where its room ends. */
    sa = nxt_sockaddr_alloc(rt.mem_pool, sizeof(struct sockaddr_in), 4);
    sa->u.sockaddr.sa_family = AF_INET;
    nxt_sockaddr_text(sa);
    CHECK(sa->length == 4 && memcmp(nxt_sockaddr_start(sa), "0.0.", 4) == 0);

    CHECK(nxt_listen_socket_create(task, NULL, NULL) == NXT_ERROR);
    CHECK(nxt_listen_socket_create(NULL, NULL, &ls) == NXT_ERROR);
    CHECK(nxt_listen_socket_update(task, &ls, NULL) == NXT_ERROR);
    nxt_listen_socket_remote_size(NULL);
    CHECK(nxt_runtime_listen_socket_add(NULL, NULL) == NULL);
    CHECK(nxt_runtime_listen_socket_add(&rt, NULL) == NULL);
    CHECK(nxt_runtime_listen_sockets_create(task, NULL) == NXT_ERROR);
    CHECK(nxt_runtime_controller_socket(task, NULL) == NXT_ERROR);
    CHECK(nxt_http_register_variables() == NXT_OK);
}

#endif


int
main(int argc, char **argv)
{
    char  command[64];

    (void) argc;

    CHECK(nxt_lib_start("listen", argv, &environ) == NXT_OK);
    nxt_main_log.level = NXT_LOG_ALERT;
    task = &nxt_main_task;
    task->thread->runtime = &rt;
    rt.mem_pool = nxt_mp_create(1024, 128, 256, 32);
    CHECK(mkdtemp(folder) != NULL);

    addresses();
    sockets();
    control();
    serve();

#ifndef ORIGINAL
    nothing();
#endif

    nxt_mp_destroy(rt.mem_pool);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    CHECK(system(command) == 0);

    return REPORT("listen");
}
