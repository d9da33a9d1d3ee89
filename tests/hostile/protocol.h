/*
 * The port protocol from the side of an application that speaks it by itself: the messages, the
 * queues, and what the daemon tells a process that it starts.
 */

#ifndef HOSTILE_PROTOCOL_H
#define HOSTILE_PROTOCOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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

/* A port of the router that this application was given. */
struct worker {
    uint16_t      id;
    int           fd;
    struct queue  queue;
};

/* This process and its ports, as the environment names them. */
extern int32_t       router_pid, own_pid;
extern int           ready_fd, router_fd, in_fd, out_fd, shared_fd;

/* The flags of its memory files. */
extern unsigned      memory_flags;

extern int           own_queue_fd;
extern struct queue  own_queue, app_queue;
extern struct worker workers[64];
extern int           worker_count;

/* Reads the environment; whether it is that of an application. */
int read_environment(void);

int memory(size_t size);

/* Takes a number out of a ring, if it holds one. */
int64_t ring_pop(_Atomic uint32_t *ring, uint32_t n);

void ring_push(_Atomic uint32_t *ring, uint32_t n, uint32_t value);

/* Puts an item into a queue without counting it; whether there was room. */
int queue_put(struct queue *q, const void *bytes, uint8_t size);

/* Puts an item into a queue; whether the reader must be woken. */
int queue_send(struct queue *q, const void *bytes, uint8_t size);

int send_socket(int fd, const void *bytes, size_t size, const int *fds, int count);

int send_message(int fd, struct header h, const void *body, size_t size, const int *fds, int count);

/* Sends to a router thread as libunit would: short messages through the queue. */
void send_worker(struct worker *w, struct header h, const void *body, size_t size,
    const int *fds, int count);

struct header header(uint8_t type, uint32_t stream);

/* Reads one message of the own port's socket; the number of descriptors. */
int receive(char *bytes, ssize_t *size, int fds[2], int wait);

/* Asks for all ports that the router may have, whosoever they are; keeps those that it is given. */
void find_workers(void);

struct worker *worker_of(unsigned id);

/* Takes a request out of the application's queue, waiting up to so many milliseconds. */
int take_request(struct header *h, int milliseconds);

void become_ready(void);

#endif /* HOSTILE_PROTOCOL_H */
