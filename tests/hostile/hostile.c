/*
 * An application that breaks the port protocol on purpose: `hostile ATTACK [sealable]`, run by
 * unitd as an `external` application. It speaks the protocol by itself, not through libunit, so
 * that nothing keeps it from lying.
 *
 * It becomes ready as an application should, then attacks, and then stays. With `sealable` its
 * memory files allow seals, without they do not, as those of the original libunit.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RPC_ERROR = 1,
    NEW_PORT = 13,
    GET_PORT = 14,
    MMAP = 16,
    GET_MMAP = 17,
    PROCESS_READY = 19,
    QUIT = 22,
    REQ_HEADERS_ACK = 24,
    DATA = 27,
    OOSM = 30,
    READ_QUEUE = 32,
    READ_SOCKET = 33,
};

struct header {
    uint32_t  stream;
    int32_t   pid;
    uint16_t  reply_port;
    uint8_t   type, last, mmap, nf, mf, pad;
};

struct chunk {
    uint32_t  segment, chunk, size;
};

struct new_port {
    uint16_t  id;
    int32_t   pid;
    uint64_t  max_size, max_share;
    uint8_t   type, pad[7];
};

_Static_assert(sizeof(struct header) == 16, "header");
_Static_assert(sizeof(struct new_port) == 32, "new_port");

/* A queue: a counter, two rings of N numbers with head and tail, N items. */
struct queue {
    uint32_t          n, words;
    _Atomic uint32_t  *counter, *free, *used, *items;
    size_t            size;
};

#define PORT_N  16384
#define APP_N   131072
#define SEGMENT (4096 + 640 * 16384)

static int32_t       ready_pid, router_pid, own_pid;
static unsigned      ready_id, router_id, own_id;
static int           ready_fd, router_fd, in_fd, out_fd, shared_fd, shared_queue_fd;
static uint32_t      ready_stream;
static unsigned      memory_flags = MFD_CLOEXEC;
static int           own_queue_fd;
static struct queue  own_queue, app_queue;

/* The router's ports that this application was given. */
static struct worker { uint16_t id; int fd; struct queue queue; } workers[64];
static int           worker_count;


static void
say(const char *text)
{
    fprintf(stderr, "hostile: %s\n", text);
    fflush(stderr);
}


static struct queue
queue_at(void *memory, uint32_t n, uint32_t words)
{
    _Atomic uint32_t  *word = memory;
    struct queue      q = { n, words, word, word + 1, word + 1 + n + 2, word + 1 + 2 * (n + 2),
                            4 * (1 + 2 * (n + 2) + (size_t) n * words) };

    return q;
}


static struct queue
map_queue(int fd, uint32_t n, uint32_t words)
{
    struct queue  q = queue_at(NULL, n, words);

    return queue_at(mmap(NULL, q.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), n, words);
}


static int
memory(size_t size)
{
    int  fd = memfd_create("hostile", memory_flags);

    return fd != -1 && ftruncate(fd, size) == 0 ? fd : -1;
}


/* Takes a number out of a ring, if it holds one. */
static int64_t
ring_pop(_Atomic uint32_t *ring, uint32_t n)
{
    for (int i = 0; i < 1000; i++) {
        uint32_t  head = ring[0], entry = ring[1 + head % n];

        if (((entry / n) & 0xFFFF) != ((head / n) & 0xFFFF)) {
            return -1;
        }
        if (atomic_compare_exchange_strong(&ring[0], &head, head + 1)) {
            return entry % n;
        }
    }
    return -1;
}


static void
ring_push(_Atomic uint32_t *ring, uint32_t n, uint32_t value)
{
    for (int i = 0; i < 1000; i++) {
        uint32_t  tail = ring[n + 1], entry = ring[1 + tail % n];

        if (((entry / n) & 0xFFFF) == ((tail / n) & 0xFFFF)) {
            atomic_compare_exchange_strong(&ring[n + 1], &tail, tail + 1);
        } else if (atomic_compare_exchange_strong(&ring[1 + tail % n], &entry,
                                                  (tail / n & 0xFFFF) * n + value)) {
            atomic_compare_exchange_strong(&ring[n + 1], &tail, tail + 1);
            return;
        }
    }
}


static void
queue_send(struct queue *q, const void *bytes, uint8_t size)
{
    int64_t   i = ring_pop(q->free, q->n);
    uint32_t  item[8] = { 0 };

    if (i < 0) {
        return;
    }
    memcpy((char *) item + 1, bytes, size);
    *(uint8_t *) item = size;
    for (int w = 0; w < 8; w++) {
        q->items[(size_t) i * q->words + w] = item[w];
    }
    ring_push(q->used, q->n, i);
    atomic_fetch_add(q->counter, 1);
}


static int
send_socket(int fd, const void *bytes, size_t size, const int *fds, int count)
{
    char             control[CMSG_SPACE(sizeof(int) * 250)];
    struct iovec     iov = { (void *) bytes, size };
    struct msghdr    msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    struct cmsghdr   *c;

    memset(control, 0, sizeof(control));
    if (count > 0) {
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    }
    return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}


static int
send_message(int fd, struct header h, const void *body, size_t size, const int *fds, int count)
{
    char  bytes[20000];

    memcpy(bytes, &h, sizeof(h));
    if (size > 0) {
        memcpy(bytes + sizeof(h), body, size);
    }
    return send_socket(fd, bytes, sizeof(h) + size, fds, count);
}


/* Sends to a router thread as libunit would: short messages through the queue. */
static void
send_worker(struct worker *w, struct header h, const void *body, size_t size, const int *fds,
    int count)
{
    char           item[31];
    uint8_t        place = READ_SOCKET;
    struct header  wake = { .pid = own_pid, .type = READ_QUEUE };

    if (count == 0 && sizeof(h) + size <= sizeof(item)) {
        memcpy(item, &h, sizeof(h));
        if (size > 0) {
            memcpy(item + sizeof(h), body, size);
        }
        queue_send(&w->queue, item, sizeof(h) + size);
        send_message(w->fd, wake, NULL, 0, NULL, 0);
        return;
    }
    queue_send(&w->queue, &place, 1);
    send_message(w->fd, h, body, size, fds, count);
}


static struct header
header(uint8_t type, uint32_t stream)
{
    struct header  h = { .stream = stream, .pid = own_pid, .type = type };

    return h;
}


/* Reads one message of the own port's socket; the number of descriptors. */
static int
receive(char *bytes, ssize_t *size, int fds[2], int wait)
{
    int              count = 0;
    char             control[256];
    struct iovec     iov = { bytes, 20000 };
    struct msghdr    msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof(control) };
    struct pollfd    p = { in_fd, POLLIN, 0 };
    struct cmsghdr   *c;

    *size = -1;
    if (poll(&p, 1, wait) != 1) {
        return 0;
    }
    *size = recvmsg(in_fd, &msg, MSG_DONTWAIT);
    if (*size < 0) {
        return 0;
    }
    for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(c), sizeof(int) * (count > 2 ? 2 : count));
        }
    }
    return count;
}


/* Asks for all ports that the router may have, whosoever they are; keeps those that it is given. */
static void
find_workers(void)
{
    char             bytes[20000];
    int              fds[2];
    ssize_t          size;
    struct new_port  *port = (struct new_port *) (bytes + sizeof(struct header));

    for (unsigned id = 1; id <= 6; id++) {
        struct { uint16_t id; int32_t pid; } body = { id, router_pid };
        send_message(router_fd, header(GET_PORT, 0), &body, sizeof(body), NULL, 0);
    }
    for (int quiet = 0; quiet < 5 && worker_count < 64; ) {
        int  count = receive(bytes, &size, fds, 100);

        if (size < 0) {
            quiet++;
        } else if (((struct header *) bytes)->type == NEW_PORT && count == 2) {
            struct worker  *w = &workers[worker_count++];
            w->id = port->id;
            w->fd = fds[0];
            w->queue = map_queue(fds[1], PORT_N, 8);
        }
    }
    fprintf(stderr, "hostile: has %d ports of the router\n", worker_count);
}


static struct worker *
worker_of(unsigned id)
{
    for (int i = 0; i < worker_count; i++) {
        if (workers[i].id == id) {
            return &workers[i];
        }
    }
    return worker_count > 0 ? &workers[0] : NULL;
}


/* Takes a request out of the application's queue, waiting up to so many milliseconds. */
static int
take_request(struct header *h, int milliseconds)
{
    uint32_t  item[9];

    for (int i = 0; i < milliseconds; i++) {
        int64_t  at = ring_pop(app_queue.used, APP_N);
        if (at >= 0) {
            for (int w = 0; w < 9; w++) {
                item[w] = app_queue.items[(size_t) at * 9 + w];
            }
            app_queue.items[(size_t) at * 9 + 8] = 0;
            memcpy(h, (char *) item + 1, sizeof(*h));
            return 1;
        }
        usleep(1000);
    }
    return 0;
}


static void
become_ready(void)
{
    struct header  h = header(PROCESS_READY, ready_stream);
    _Atomic uint32_t  *word;

    own_queue_fd = memory(queue_at(NULL, PORT_N, 8).size);
    own_queue = map_queue(own_queue_fd, PORT_N, 8);
    for (int r = 0; r < 2; r++) {
        word = r == 0 ? own_queue.free : own_queue.used;
        word[0] = PORT_N;
        word[PORT_N + 1] = r == 0 ? 2 * PORT_N : PORT_N;
        for (uint32_t i = 0; i < PORT_N; i++) {
            word[1 + i] = r == 0 ? PORT_N + i : 0;
        }
    }
    app_queue = map_queue(shared_queue_fd, APP_N, 9);
    h.last = 1;
    send_message(ready_fd, h, NULL, 0, &own_queue_fd, 1);
    usleep(200000);
}


static void
scribble(void *memory, size_t size, uint32_t seed)
{
    uint32_t  *word = memory;

    for (size_t i = 0; i < size / 4; i++) {
        word[i] = seed == 0xFFFFFFFF ? seed : (seed = seed * 1664525 + 1013904223);
    }
}


/* A segment of shared memory with an honest header but for what is asked. */
static char *
segment(int *fd, uint32_t id, int32_t src, int32_t dst, size_t size)
{
    char  *p;

    *fd = memory(size);
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    memcpy(p, &id, 4);
    memcpy(p + 4, &src, 4);
    memcpy(p + 8, &dst, 4);
    if (size >= 4096) {
        memset(p + 24, 0xFF, 80);
    }
    return p;
}


/* The head of a response without fields, with some bytes of body. */
static void
response(char *at, uint32_t body)
{
    uint32_t  word[6] = { 0, 0, 0, body, 200, 4 };

    memcpy(at, word, sizeof(word));
    memset(at + 24, 'x', body);
}


/* Answers each request with these chunks, for a while. */
static void
answer_with(const struct chunk *chunks, int count, int milliseconds)
{
    struct header  request, h;

    while (take_request(&request, milliseconds)) {
        struct worker  *w = worker_of(request.reply_port);
        if (w == NULL) {
            continue;
        }
        send_worker(w, header(REQ_HEADERS_ACK, request.stream), NULL, 0, NULL, 0);
        h = header(DATA, request.stream);
        h.mmap = 1;
        h.last = 1;
        send_worker(w, h, chunks, sizeof(*chunks) * count, NULL, 0);
    }
}


static void
attack_shutdown(void)
{
    int  fds[] = { router_fd, ready_fd, in_fd, out_fd, shared_fd };

    find_workers();
    for (int i = 0; i < worker_count; i++) {
        shutdown(workers[i].fd, SHUT_RDWR);
    }
    for (unsigned i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
        shutdown(fds[i], SHUT_RDWR);
    }
}


/* Every type, with bodies of many lengths, from everybody, whole and in fragments, too short and
   too long. */
static void
attack_flood(void)
{
    char      body[18000];
    uint32_t  seed = 1;
    int       null = open("/dev/null", O_RDONLY), fds[] = { null, null, null, null, null };

    find_workers();
    for (int i = 0; i < 40000; i++) {
        seed = seed * 1664525 + 1013904223;
        struct header  h = { .stream = seed >> 12, .pid = i % 3 ? own_pid : (int) (seed >> 16) % 32768,
                             .type = i, .last = seed & 1, .mmap = (seed >> 1) & 1,
                             .nf = i % 7 == 0, .mf = i % 5 == 0 };
        size_t  size = (seed >> 8) % (i % 100 ? 64 : sizeof(body));
        int     to = i % 4 == 0 && worker_count ? workers[i % worker_count].fd
                     : i % 4 == 1 ? ready_fd : router_fd;
        memset(body, i, sizeof(body));
        if (h.type == QUIT && to == ready_fd) {
            continue;
        }
        if (i % 50 == 0) {
            send_socket(to, body, (seed >> 3) % 16, fds, i % 6 % 5);
        } else {
            send_message(to, h, body, size, fds, i % 9 == 0 ? i % 6 % 5 : 0);
        }
    }
}


static void
attack_queue(void)
{
    struct header  wake = header(READ_QUEUE, 0);

    find_workers();
    for (uint32_t round = 0; round < 20; round++) {
        for (int i = 0; i < worker_count; i++) {
            scribble((void *) workers[i].queue.counter, workers[i].queue.size,
                     round % 2 ? 0xFFFFFFFF : round);
            send_message(workers[i].fd, wake, NULL, 0, NULL, 0);
        }
        usleep(20000);
    }
}


/* Valid items without end: the reader must not be held by them. */
static void
attack_endless(void)
{
    struct header  h;
    char           item[31] = { 0 };

    find_workers();
    for (int i = 0; i < 3000000 && worker_count > 0; i++) {
        h = header(i % 2 ? DATA : 77, i);
        memcpy(item, &h, sizeof(h));
        queue_send(&workers[i % worker_count].queue, item, sizeof(item));
        if (i % 1000 == 0) {
            h = header(READ_QUEUE, 0);
            send_message(workers[i / 1000 % worker_count].fd, h, NULL, 0, NULL, 0);
        }
    }
}


static void
attack_appqueue(void)
{
    find_workers();
    for (uint32_t round = 0; round < 100; round++) {
        scribble((void *) app_queue.counter, app_queue.size, round % 2 ? 0xFFFFFFFF : round);
        usleep(20000);
    }
}


static void
attack_ownqueue(void)
{
    uint32_t  id = 77;

    scribble((void *) own_queue.counter, own_queue.size, 3);
    for (int i = 0; i < 2000; i++) {
        send_message(router_fd, header(GET_MMAP, 0), &id, sizeof(id), NULL, 0);
    }
}


static void
attack_truncate(void)
{
    int           fd, zero = 0;
    struct chunk  chunk = { 0, 3, 20000 };
    char          *p;

    find_workers();
    p = segment(&fd, 0, own_pid, router_pid, SEGMENT);
    response(p + 4096 + 3 * 16384, 100);
    send_worker(worker_of(0), header(MMAP, 0), NULL, 0, &fd, 1);
    usleep(100000);
    zero |= ftruncate(fd, 0);
    zero |= ftruncate(own_queue_fd, 0);
    say(zero ? "cannot shrink its memory" : "has shrunk its memory");
    if (zero == 0) {
        for (int i = 0; i < 100; i++) {
            send_message(router_fd, header(OOSM, 0), NULL, 0, NULL, 0);
        }
    }
    answer_with(&chunk, 1, 3000);
}


/* Asks without ever reading an answer. */
static void
attack_noread(void)
{
    uint32_t  id = 0;
    struct { uint16_t id; int32_t pid; } body = { 1, router_pid };

    for (int i = 0; i < 100000; i++) {
        body.id = 1 + i % 8;
        send_message(router_fd, header(GET_PORT, i), &body, sizeof(body), NULL, 0);
        send_message(router_fd, header(GET_MMAP, i), &id, 4, NULL, 0);
        send_message(router_fd, header(OOSM, i), NULL, 0, NULL, 0);
    }
}


static void
attack_ports(void)
{
    int              pair[2], fds[2];
    struct new_port  port = { .max_size = 16384, .max_share = 65536, .type = 5 };

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0) {
        return;
    }
    fds[0] = pair[0];
    fds[1] = own_queue_fd;
    for (int i = 0; i < 100000; i++) {
        port.id = i;
        port.pid = i % 4 == 0 ? getppid() : i % 4 == 1 ? router_pid : i % 4 == 2 ? 1 : own_pid;
        port.type = i % 8;
        while (send_message(router_fd, header(NEW_PORT, i % 3 ? 0 : i), &port, sizeof(port), fds,
                            1 + i % 2) < 0 && errno == EAGAIN) {
            usleep(1000);
        }
    }
}


/* Answers streams that other applications' requests may have, in the name of others. */
static void
attack_forge(void)
{
    struct header  h;
    char           item[24] = "forged";

    find_workers();
    for (uint32_t i = 0; i < 200000 && worker_count > 0; i++) {
        uint8_t  types[] = { REQ_HEADERS_ACK, DATA, RPC_ERROR, OOSM };
        h = header(types[i % 4], i / 4 % 5000);
        h.last = 1;
        h.pid = i % 5 == 0 ? own_pid : own_pid + (int) (i % 41) - 20;
        send_worker(&workers[i % worker_count], h, item, i % 16, NULL, 0);
    }
}


static void
attack_mmap(void)
{
    int   fd, file = open("/dev/zero", O_RDWR);

    find_workers();
    for (uint32_t i = 0; i < 3000; i++) {
        segment(&fd, i, i % 5 == 0 ? router_pid : own_pid, i % 7 == 0 ? 1 : router_pid,
                i % 3 == 0 ? 64 : SEGMENT);
        while (send_message(router_fd, header(MMAP, 0), NULL, 0, &fd, 1) < 0 && errno == EAGAIN) {
            usleep(1000);
        }
        send_message(router_fd, header(MMAP, 0), NULL, 0, &file, 1);
        close(fd);
    }
}


static void
attack_chunks(void)
{
    int            fd;
    struct chunk   bad[6] = { { 0, 640, 1 }, { 0, 639, 16385 }, { 9, 0, 1 },
                              { 0, 0xFFFFFFFF, 0xFFFFFFFF }, { 0, 0, 0xFFFFFFFF }, { 0, 0, 0 } };
    struct header  request, h;
    char           *p;

    find_workers();
    p = segment(&fd, 0, own_pid, router_pid, SEGMENT);
    response(p + 4096, 10);
    send_worker(worker_of(0), header(MMAP, 0), NULL, 0, &fd, 1);
    for (unsigned i = 0; take_request(&request, 3000); i++) {
        struct worker  *w = worker_of(request.reply_port);
        send_worker(w, header(REQ_HEADERS_ACK, request.stream), NULL, 0, NULL, 0);
        h = header(DATA, request.stream);
        h.mmap = 1;
        /* The same chunk twice, then one that does not exist. */
        for (int n = 0; n < 3; n++) {
            struct chunk  again = { 0, 0, 34 };
            send_worker(w, h, &again, sizeof(again), NULL, 0);
        }
        send_worker(w, h, &bad[i % 6], sizeof(bad[0]), NULL, 0);
        send_worker(w, h, bad, 7, NULL, 0);
    }
}


static char  *shared_head;

static void *
flip(void *unused)
{
    uint32_t  seed = 7;

    for ( ;; ) {
        for (int at = 8; at < 60; at += 4) {
            seed = seed * 1664525 + 1013904223;
            *(_Atomic uint32_t *) (shared_head + at) = seed % 5 ? seed >> (seed % 32) : 1;
        }
    }
    return unused;
}


/* Changes the head of its responses while the router reads them. */
static void
attack_flip(void)
{
    int           fd;
    pthread_t     thread;
    struct chunk  chunk = { 0, 0, 4096 };

    find_workers();
    shared_head = segment(&fd, 0, own_pid, router_pid, SEGMENT) + 4096;
    response(shared_head, 100);
    send_worker(worker_of(0), header(MMAP, 0), NULL, 0, &fd, 1);
    pthread_create(&thread, NULL, flip, NULL);
    answer_with(&chunk, 1, 3000);
}


/* Takes requests and says nothing more. */
static void
attack_hold(void)
{
    struct header  request;

    find_workers();
    while (take_request(&request, 3000)) {
        struct worker  *w = worker_of(request.reply_port);
        if (w != NULL) {
            send_worker(w, header(REQ_HEADERS_ACK, request.stream), NULL, 0, NULL, 0);
        }
    }
}


/* Waits to be told to leave, if the attack left a way to hear it; but not for ever. */
static void
stay(void)
{
    char             bytes[20000];
    int              fds[2];
    int64_t          at;
    ssize_t          size;
    struct header    h;
    uint32_t         item[8];

    for (int i = 0; i < 60; i++) {
        int  count = receive(bytes, &size, fds, 100);
        for (int f = 0; f < count && f < 2; f++) {
            close(fds[f]);
        }
        while ((at = ring_pop(own_queue.used, PORT_N)) >= 0) {
            for (int w = 0; w < 8; w++) {
                item[w] = own_queue.items[(size_t) at * 8 + w];
            }
            memcpy(&h, (char *) item + 1, sizeof(h));
            if (*(uint8_t *) item >= sizeof(h) && h.type == QUIT) {
                return;
            }
            ring_push(own_queue.free, PORT_N, at);
        }
        if (size == 0) {
            usleep(100000);
        }
    }
}


static const struct { const char *name; void (*run)(void); } attacks[] = {
    { "shutdown", attack_shutdown }, { "flood", attack_flood }, { "queue", attack_queue },
    { "endless", attack_endless }, { "appqueue", attack_appqueue },
    { "ownqueue", attack_ownqueue }, { "truncate", attack_truncate }, { "noread", attack_noread },
    { "ports", attack_ports }, { "forge", attack_forge }, { "mmap", attack_mmap },
    { "chunks", attack_chunks }, { "flip", attack_flip }, { "hold", attack_hold },
};


int
main(int argc, char **argv)
{
    unsigned    version[3], limit, requests, log;
    const char  *env = getenv("NXT_UNIT_INIT");

    if (argc < 2 || env == NULL
        || sscanf(env, "%u.%u.%u;%u;%d,%u,%d;%d,%u,%d;%d,%u,%d,%d;%d,%d;%u,%u,%u", &version[0],
                  &version[1], &version[2], &ready_stream, &ready_pid, &ready_id, &ready_fd,
                  &router_pid, &router_id, &router_fd, &own_pid, &own_id, &in_fd, &out_fd,
                  &shared_fd, &shared_queue_fd, &log, &limit, &requests) != 19) {
        say("wrong environment");
        return 1;
    }
    if (argc > 2 && strcmp(argv[2], "sealable") == 0) {
        memory_flags |= MFD_ALLOW_SEALING;
    }
    for (unsigned i = 0; i < sizeof(attacks) / sizeof(*attacks); i++) {
        if (strcmp(attacks[i].name, argv[1]) == 0) {
            become_ready();
            say("attacks");
            attacks[i].run();
            say("has attacked");
            stay();
            return 0;
        }
    }
    say("unknown attack");
    return 1;
}
