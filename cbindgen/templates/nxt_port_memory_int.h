/* Segments of shared memory from inside. */

#ifndef NXT_PORT_MEMORY_INT_H
#define NXT_PORT_MEMORY_INT_H

#include <nxt_port_memory.h>

#define PORT_MMAP_CHUNK_SIZE  (16 * 1024)
#define PORT_MMAP_HEADER_SIZE  (4 * 1024)
#define PORT_MMAP_DATA_SIZE  (10 * 1024 * 1024)
#define PORT_MMAP_SIZE  (PORT_MMAP_HEADER_SIZE + PORT_MMAP_DATA_SIZE)
#define PORT_MMAP_CHUNK_COUNT  (PORT_MMAP_DATA_SIZE / PORT_MMAP_CHUNK_SIZE)

@ nxt_chunk_id_t

@ nxt_free_map_t

#define FREE_BITS  (8 * sizeof(nxt_free_map_t))
#define FREE_IDX(chunk)  ((chunk) / FREE_BITS)
#define FREE_MASK(chunk)  (1ULL << ((chunk) % FREE_BITS))
#define MAX_FREE_IDX  FREE_IDX(PORT_MMAP_CHUNK_COUNT)

@ struct nxt_port_mmap_header_t

@ struct nxt_port_mmap_handler_t

@ struct nxt_port_mmap_t

@ nxt_port_mmap_msg_t

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
