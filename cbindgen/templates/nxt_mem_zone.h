/* An allocator inside of memory that the caller brings. */

#ifndef NXT_MEM_ZONE_H
#define NXT_MEM_ZONE_H

typedef struct nxt_mem_zone_s nxt_mem_zone_t;

@ nxt_mem_zone_init

@ nxt_mem_zone_align

@ nxt_mem_zone_zalloc

@ nxt_mem_zone_free

/** Memory with any alignment. */
#define nxt_mem_zone_alloc(zone, size)  nxt_mem_zone_align((zone), 1, (size))

#endif /* NXT_MEM_ZONE_H */
