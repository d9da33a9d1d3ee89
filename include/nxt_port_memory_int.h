/* Segments of shared memory from inside. */

#ifndef NXT_PORT_MEMORY_INT_H
#define NXT_PORT_MEMORY_INT_H

#include <nxt_port_memory.h>

#define PORT_MMAP_CHUNK_SIZE  (16 * 1024)
#define PORT_MMAP_HEADER_SIZE  (4 * 1024)
#define PORT_MMAP_DATA_SIZE  (10 * 1024 * 1024)
#define PORT_MMAP_SIZE  (PORT_MMAP_HEADER_SIZE + PORT_MMAP_DATA_SIZE)
#define PORT_MMAP_CHUNK_COUNT  (PORT_MMAP_DATA_SIZE / PORT_MMAP_CHUNK_SIZE)

/** The number of a chunk in its segment. */
typedef uint32_t nxt_chunk_id_t;

/** One bit for each of 64 chunks, set if it is free. */
typedef nxt_atomic_uint_t nxt_free_map_t;

#define FREE_BITS  (8 * sizeof(nxt_free_map_t))
#define FREE_IDX(chunk)  ((chunk) / FREE_BITS)
#define FREE_MASK(chunk)  (1ULL << ((chunk) % FREE_BITS))
#define MAX_FREE_IDX  FREE_IDX(PORT_MMAP_CHUNK_COUNT)

/**
 * The start of a segment. The last array is longer than the place before chunk 0; nothing uses it.
 */
struct nxt_port_mmap_header_s {
    /** Its number among those of its creator. */
    uint32_t id;
    /** Its creator. */
    nxt_pid_t src_pid;
    /** Its receiver. */
    nxt_pid_t dst_pid;
    /** The port that it was announced over; 0xFFFF is any. */
    nxt_port_id_t sent_over;
    /** Whether the creator waits for room. */
    nxt_atomic_t oosm;
    /** Free chunks. */
    nxt_free_map_t free_map[10];
    /** None of them is free. */
    nxt_free_map_t free_map_padding;
    /** Not used. */
    nxt_free_map_t free_tracking_map[10];
    /** Not used. */
    nxt_free_map_t free_tracking_map_padding;
    /** Not used. */
    nxt_atomic_t tracking[640];
};

/** A segment that this process has mapped. */
struct nxt_port_mmap_handler_s {
    /** Its start. */
    nxt_port_mmap_header_t *hdr;
    /** How many hold it. */
    nxt_atomic_t use_count;
    /** Its memory; -1 if another process has made it. */
    nxt_fd_t fd;
};

/** A place for a segment. */
struct nxt_port_mmap_s {
    /** The segment. */
    nxt_port_mmap_handler_t *mmap_handler;
};

/** Chunks, as a message names them. */
typedef struct nxt_port_mmap_msg_s {
    /** The segment. */
    uint32_t mmap_id;
    /** The first chunk. */
    nxt_chunk_id_t chunk_id;
    /** Bytes of data. */
    uint32_t size;
} nxt_port_mmap_msg_t;

#define nxt_port_mmap_get_chunk_busy(map, chunk)  \
    (((map)[FREE_IDX(chunk)] & FREE_MASK(chunk)) == 0)

/** The chunk that an address lies in, and where a chunk starts. */
nxt_inline nxt_chunk_id_t
nxt_port_mmap_chunk_id(nxt_port_mmap_header_t *hdr, const u_char *p)
{
    size_t  offset = p - (const u_char *) hdr;

    return (nxt_chunk_id_t)
           ((offset - PORT_MMAP_HEADER_SIZE) / PORT_MMAP_CHUNK_SIZE);
}

nxt_inline u_char *
nxt_port_mmap_chunk_start(nxt_port_mmap_header_t *hdr, nxt_chunk_id_t c)
{
    return (u_char *) hdr + PORT_MMAP_HEADER_SIZE
           + (size_t) c * PORT_MMAP_CHUNK_SIZE;
}

nxt_inline void
nxt_port_mmap_set_chunk_busy(nxt_free_map_t *m, nxt_chunk_id_t c)
{
    __atomic_fetch_and(&m[FREE_IDX(c)], ~FREE_MASK(c), __ATOMIC_SEQ_CST);
}

nxt_inline void
nxt_port_mmap_set_chunk_free(nxt_free_map_t *m, nxt_chunk_id_t c)
{
    __atomic_fetch_or(&m[FREE_IDX(c)], FREE_MASK(c), __ATOMIC_SEQ_CST);
}

/** Takes a chunk, if it is free. */
nxt_inline nxt_bool_t
nxt_port_mmap_chk_set_chunk_busy(nxt_free_map_t *m, nxt_chunk_id_t c)
{
    nxt_free_map_t  before;

    before = __atomic_fetch_and(&m[FREE_IDX(c)], ~FREE_MASK(c),
                                __ATOMIC_SEQ_CST);

    return (before & FREE_MASK(c)) != 0;
}

/** Takes the first free chunk from `*c` on. */
nxt_inline nxt_bool_t
nxt_port_mmap_get_free_chunk(nxt_free_map_t *m, nxt_chunk_id_t *c)
{
    nxt_chunk_id_t  chunk;

    for (chunk = *c; chunk < PORT_MMAP_CHUNK_COUNT; chunk++) {
        if (nxt_port_mmap_chk_set_chunk_busy(m, chunk)) {
            *c = chunk;
            return 1;
        }
    }

    return 0;
}

#endif /* NXT_PORT_MEMORY_INT_H */
