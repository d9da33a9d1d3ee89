#define _GNU_SOURCE

#include "protocol.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int32_t               router_pid, own_pid;
int                   ready_fd, router_fd, in_fd, out_fd, shared_fd;
unsigned              memory_flags = MFD_CLOEXEC;
int                   own_queue_fd;
struct queue          own_queue, app_queue;
struct worker         workers[64];
int                   worker_count;

static int32_t        ready_pid;
static unsigned       ready_id, router_id, own_id;
static int            shared_queue_fd;
static uint32_t       ready_stream;


int
read_environment(void)
{
    unsigned    version[3], limit, requests, log;
    const char  *env = getenv("NXT_UNIT_INIT");

    return env != NULL
        && sscanf(env, "%u.%u.%u;%u;%d,%u,%d;%d,%u,%d;%d,%u,%d,%d;%d,%d;%u,%u,%u", &version[0],
                  &version[1], &version[2], &ready_stream, &ready_pid, &ready_id, &ready_fd,
                  &router_pid, &router_id, &router_fd, &own_pid, &own_id, &in_fd, &out_fd,
                  &shared_fd, &shared_queue_fd, &log, &limit, &requests) == 19;
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


int
memory(size_t size)
{
    int  fd = memfd_create("hostile", memory_flags);

    return fd != -1 && ftruncate(fd, size) == 0 ? fd : -1;
}


int64_t
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


void
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


int
queue_put(struct queue *q, const void *bytes, uint8_t size)
{
    int64_t   i = ring_pop(q->free, q->n);
    uint32_t  item[8] = { 0 };

    if (i < 0) {
        return 0;
    }
    memcpy((char *) item + 1, bytes, size);
    *(uint8_t *) item = size;
    for (int w = 0; w < 8; w++) {
        q->items[(size_t) i * q->words + w] = item[w];
    }
    ring_push(q->used, q->n, i);
    return 1;
}


int
queue_send(struct queue *q, const void *bytes, uint8_t size)
{
    return queue_put(q, bytes, size) && atomic_fetch_add(q->counter, 1) == 0;
}


int
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


int
send_message(int fd, struct header h, const void *body, size_t size, const int *fds, int count)
{
    char  bytes[20000];

    memcpy(bytes, &h, sizeof(h));
    if (size > 0) {
        memcpy(bytes + sizeof(h), body, size);
    }
    return send_socket(fd, bytes, sizeof(h) + size, fds, count);
}


void
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


struct header
header(uint8_t type, uint32_t stream)
{
    struct header  h = { .stream = stream, .pid = own_pid, .type = type };

    return h;
}


int
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


void
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


struct worker *
worker_of(unsigned id)
{
    for (int i = 0; i < worker_count; i++) {
        if (workers[i].id == id) {
            return &workers[i];
        }
    }
    return worker_count > 0 ? &workers[0] : NULL;
}


int
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


void
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
