/* Mapped memory. */

#ifndef NXT_MEM_MAP_H
#define NXT_MEM_MAP_H

#include <sys/mman.h>

#define NXT_MEM_MAP_FAILED  MAP_FAILED

#define NXT_MEM_MAP_READ  PROT_READ
#define NXT_MEM_MAP_WRITE  PROT_WRITE

#define NXT_MEM_MAP_ANON  MAP_ANONYMOUS
#define NXT_MEM_MAP_SHARED  (MAP_ANONYMOUS | MAP_SHARED)
#define NXT_MEM_MAP_PREFAULT  MAP_POPULATE
#define NXT_MEM_MAP_FILE  (MAP_POPULATE | MAP_SHARED)

/** What some systems keep of a mapping: nothing here. */
#define nxt_mem_map_file_ctx_t(context)

#define nxt_mem_unmap(start, context, size)  nxt_mem_munmap((start), (size))
#define nxt_mem_map(hint, context, size, access, kind, file, from)  \
    nxt_mem_mmap((hint), (size), (access), (kind), (file), (from))

/**
 * Maps memory, as mmap(2) does; `NXT_MEM_MAP_FAILED` if that fails, with an alert in the log.
 *
 * Requires:
 * With an address that is to be taken in any case, nobody uses what is there.
 */
void *nxt_mem_mmap(void *addr,
                   size_t len,
                   nxt_uint_t protection,
                   nxt_uint_t flags,
                   nxt_fd_t fd,
                   nxt_off_t offset);

/**
 * Takes a mapping away.
 *
 * Requires:
 * Nobody uses the memory afterwards.
 */
void nxt_mem_munmap(void *addr, size_t len);

#endif /* NXT_MEM_MAP_H */
