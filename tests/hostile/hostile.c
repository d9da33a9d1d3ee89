/*
 * An application that breaks the port protocol on purpose: `hostile ATTACK [sealable]`, run by
 * unitd as an `external` application. It speaks the protocol by itself, not through libunit, so
 * that nothing keeps it from lying.
 *
 * It becomes ready as an application should, then attacks, and then stays. With `sealable` its
 * memory files allow seals, without they do not, as those of the original libunit.
 */

#define _GNU_SOURCE

#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>


static void
say(const char *text)
{
    fprintf(stderr, "hostile: %s\n", text);
    fflush(stderr);
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
    if (argc < 2 || !read_environment()) {
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
