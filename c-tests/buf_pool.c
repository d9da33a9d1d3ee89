/* Pools of buffers: what is used again, and when there are no more. */

#include <nxt_main.h>

#include <sys/mman.h>

#include "check.h"


static void
memory(void)
{
    nxt_mp_t        *mp;
    nxt_buf_t       *first, *second;
    nxt_buf_pool_t  pool;

    mp = nxt_mp_create(1024, 128, 256, 32);
    memset(&pool, 0, sizeof(pool));
    pool.mem_pool = mp;
    pool.max = 2;
    pool.size = 64;

    CHECK(!nxt_buf_pool_ready(&pool) && nxt_buf_pool_available(&pool));
    CHECK(nxt_buf_pool_mem_alloc(&pool, 0) == NXT_OK);
    first = pool.current;
    CHECK(first != NULL && pool.num == 1 && nxt_buf_pool_ready(&pool));
    CHECK(nxt_buf_mem_size(&first->mem) == 64);

    /* It has room: there is no need of another one. */
    CHECK(nxt_buf_pool_mem_alloc(&pool, 0) == NXT_OK && pool.current == first);

    first->mem.free = first->mem.end;
    CHECK(nxt_buf_pool_mem_alloc(&pool, 79) == NXT_OK);
    second = pool.current;
    CHECK(second != first && pool.num == 2);
    CHECK(nxt_buf_mem_size(&second->mem) == 79);

    second->mem.free = second->mem.end;
    CHECK(!nxt_buf_pool_available(&pool));
    CHECK(nxt_buf_pool_mem_alloc(&pool, 0) == NXT_AGAIN);

    /* One that is given back is taken again, empty. */
    nxt_buf_pool_free(&pool, first);
    CHECK(pool.free == first && first->mem.free == first->mem.start);
    CHECK(nxt_buf_pool_mem_alloc(&pool, 0) == NXT_OK);
    CHECK(pool.current == first && pool.free == NULL && pool.num == 2);

    /* The current one stays current. */
    nxt_buf_pool_free(&pool, first);
    CHECK(pool.current == first && pool.free == NULL);
    nxt_buf_pool_free(&pool, second);
    CHECK(pool.free == second);

    nxt_buf_pool_destroy(&pool);
    CHECK(pool.free == NULL && pool.destroy);
    nxt_buf_pool_free(&pool, first);
    CHECK(pool.current == NULL);
    CHECK(nxt_mp_is_empty(mp));

    nxt_mp_destroy(mp);
}


static void
sizes(void)
{
    nxt_mp_t        *mp;
    nxt_buf_pool_t  pool;

    mp = nxt_mp_create(1024, 128, 256, 32);
    memset(&pool, 0, sizeof(pool));
    pool.mem_pool = mp;
    pool.max = 1;
    pool.size = 100;

    CHECK(nxt_buf_pool_file_alloc(&pool, 125) == NXT_OK);
    CHECK(nxt_buf_is_file(pool.current));
    CHECK(nxt_buf_mem_size(&pool.current->mem) == 100);
    nxt_buf_pool_destroy(&pool);
    nxt_buf_pool_free(&pool, pool.current);

    memset(&pool, 0, sizeof(pool));
    CHECK(nxt_buf_pool_mem_alloc(&pool, 0) == NXT_AGAIN);

    nxt_mp_destroy(mp);
}


static void
mapped(void)
{
    size_t          page;
    nxt_mp_t        *mp;
    nxt_buf_t       *b;
    nxt_buf_pool_t  pool;

    page = (size_t) sysconf(_SC_PAGESIZE);
    mp = nxt_mp_create(1024, 128, 256, 32);
    memset(&pool, 0, sizeof(pool));
    pool.mem_pool = mp;
    pool.max = 1;
    pool.size = (uint32_t) page;

    CHECK(nxt_buf_pool_mmap_alloc(&pool, 0) == NXT_OK);
    b = pool.current;
    CHECK(pool.mmap && nxt_buf_is_mmap(b));
    CHECK((size_t) nxt_buf_mem_size(&b->mem) == page);

    b->mem.start = mmap(NULL, page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(b->mem.start != MAP_FAILED);
    b->mem.pos = b->mem.start;
    b->mem.free = b->mem.start + page;
    b->mem.end = b->mem.free;

    pool.current = NULL;
    nxt_buf_pool_free(&pool, b);
    CHECK(pool.free == b && b->mem.pos == NULL);
    CHECK((size_t) nxt_buf_mem_size(&b->mem) == page);

    CHECK(nxt_buf_pool_mmap_alloc(&pool, 0) == NXT_OK && pool.current == b);

    nxt_buf_pool_destroy(&pool);
    nxt_mp_destroy(mp);
}


#ifndef ORIGINAL

static void
nothing(void)
{
    nxt_buf_pool_t  pool;

    CHECK(nxt_buf_pool_mem_alloc(NULL, 1) == NXT_ERROR);
    CHECK(nxt_buf_pool_file_alloc(NULL, 1) == NXT_ERROR);
    CHECK(nxt_buf_pool_mmap_alloc(NULL, 1) == NXT_ERROR);
    nxt_buf_pool_free(NULL, NULL);
    nxt_buf_pool_destroy(NULL);

    /* Without a pool there is no memory. */
    memset(&pool, 0, sizeof(pool));
    pool.max = 1;
    CHECK(nxt_buf_pool_mem_alloc(&pool, 1) == NXT_ERROR && pool.num == 0);
    nxt_buf_pool_free(&pool, NULL);
}

#endif


int
main(void)
{
    memory();
    sizes();
    mapped();

#ifndef ORIGINAL
    nothing();
#endif

    return REPORT("buf_pool");
}
