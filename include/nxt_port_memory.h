/* Content of messages in shared memory. */

#ifndef NXT_PORT_MEMORY_H
#define NXT_PORT_MEMORY_H

#include <nxt_socket_msg.h>
#include <nxt_port.h>

/** Shorter content travels with the message. */
#define PORT_MMAP_MIN_SIZE  (3 * sizeof(uint32_t))

typedef struct nxt_port_mmap_header_s nxt_port_mmap_header_t;
typedef struct nxt_port_mmap_handler_s nxt_port_mmap_handler_t;

/**
 * A chain of buffers on its way into an array of stretches (`nxt_sendbuf.h`).
 */
typedef struct nxt_sendbuf_coalesce_s {
    /** The next buffer. */
    nxt_buf_t *buf;
    /** The stretches. */
    nxt_iobuf_t *iobuf;
    /** How many are in use. */
    nxt_uint_t niov;
    /** For how many there is room. */
    uint32_t nmax;
    /** A mark was met. */
    uint8_t sync;
    /** The mark of the end was met. */
    uint8_t last;
    /** There is more than `limit`. */
    uint8_t limit_reached;
    /** There are more than `nmax`. */
    uint8_t nmax_reached;
    /** How many bytes. */
    size_t size;
    /** How many there may be. */
    size_t limit;
} nxt_sendbuf_coalesce_t;

/** How content travels: one of the `NXT_PORT_METHOD_*` numbers. */
typedef unsigned int nxt_port_method_t;

/** There is none. */
#define NXT_PORT_METHOD_ANY 0

/** With the message. */
#define NXT_PORT_METHOD_PLAIN 1

/** In shared memory. */
#define NXT_PORT_METHOD_MMAP 2

/**
 * Gives up all segments of a process; `free_elts` also the memory of their places.
 *
 * Requires:
 * `port_mmaps` is NULL or valid, and nobody else uses it.
 */
void nxt_port_mmaps_destroy(nxt_port_mmaps_t *port_mmaps,
                            nxt_bool_t free_elts);

/**
 * A buffer with room for `size` bytes in the shared memory of `mmaps`. NULL when there is none, or
 * `size` is more than a segment has.
 *
 * Requires:
 * `task` and `mmaps` are NULL or valid.
 */
nxt_buf_t *nxt_port_mmap_get_buf(nxt_task_t *task,
                                 nxt_port_mmaps_t *mmaps,
                                 size_t size);

/**
 * Makes room for `size` more bytes in a buffer of shared memory, if the chunks behind it are free;
 * `NXT_ERROR` if there is not even room for `min_size`.
 *
 * Requires:
 * `task` and `b` are NULL or valid.
 */
nxt_int_t nxt_port_mmap_increase_buf(nxt_task_t *task,
                                     nxt_buf_t *b,
                                     size_t size,
                                     size_t min_size);

/**
 * Maps a segment that `process` has announced with the descriptor `fd`, which stays the caller's.
 * NULL if it is none, or none from that process to this one.
 *
 * Requires:
 * `task` and `process` are NULL or valid; `fd` is open or -1.
 */
nxt_port_mmap_handler_t *nxt_port_incoming_port_mmap(nxt_task_t *task,
                                                     nxt_process_t *process,
                                                     nxt_fd_t fd);

/**
 * Names the chunks of the stretches in `sb`, which lie in the buffers of `msg`, in `mmsg_buf`, and
 * makes that the only stretch.
 *
 * Requires:
 * The addresses are NULL or valid; `mmsg_buf` has room for a name of 12 bytes for each stretch.
 */
void nxt_port_mmap_write(nxt_task_t *task,
                         nxt_port_t *port,
                         nxt_port_send_msg_t *msg,
                         nxt_sendbuf_coalesce_t *sb,
                         void *mmsg_buf);

/**
 * Puts the content in shared memory that a message names in the place of the message's own; chunks
 * that cannot be found, and those after them, are left out.
 *
 * Requires:
 * `task` and `msg` are NULL or valid.
 */
void nxt_port_mmap_read(nxt_task_t *task,
                        nxt_port_recv_msg_t *msg);

/**
 * How the content of a chain of buffers travels. One that is mixed travels with the message.
 *
 * Requires:
 * `task` is NULL or valid, `b` is NULL or a chain.
 */
nxt_port_method_t nxt_port_mmap_get_method(nxt_task_t *task,
                                           nxt_port_t *port,
                                           nxt_buf_t *b);

/**
 * A descriptor of `size` bytes of shared memory of value zero; -1 if there is none.
 *
 * Requires:
 * `task` is NULL or valid.
 */
nxt_int_t nxt_shm_open(nxt_task_t *task,
                       size_t size);

/**
 * Tells a process of an application, on all its ports, that there is room in its shared memory.
 *
 * Requires:
 * `task` and `process` are NULL or valid.
 */
void nxt_process_broadcast_shm_ack(nxt_task_t *task,
                                   nxt_process_t *process);

#endif /* NXT_PORT_MEMORY_H */
