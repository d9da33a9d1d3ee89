/* Buffers, and chains of them. */

#ifndef NXT_BUF_H
#define NXT_BUF_H

/**
 * A stretch of memory that is filled and read: `start <= pos <= free <= end`.
 */
typedef struct nxt_buf_mem_s {
    /** The first byte that was not read yet. */
    uint8_t *pos;
    /** The first byte that was not filled yet. */
    uint8_t *free;
    /** The first byte. */
    uint8_t *start;
    /** After the last byte. */
    uint8_t *end;
} nxt_buf_mem_t;

/** A buffer, in a chain of them. */
struct nxt_buf_s {
    /** The pool it came from, or the user's own. */
    void *data;
    /** What is done when it was sent. */
    nxt_work_handler_t completion_handler;
    /** The buffer this one is a part of. */
    void *parent;
    /** The next in the chain. */
    nxt_buf_t *next;
    /** How many hold it. */
    uint32_t retain;
    /** Which cache it came from. */
    uint8_t cache_hint;
    /**
     * Bits: file, mapped, in shared memory, synchronisation, no buffer, flush, last, announced.
     */
    uint8_t is_file:1, is_mmap:1, is_port_mmap:1, is_sync:1;
    uint8_t is_nobuf:1, is_flush:1, is_last:1, is_port_mmap_sent:1;
    /** Bit 0: it may be completed on another thread. */
    uint8_t is_ts:1;
    /** The memory; `pos` is NULL if there is none. */
    nxt_buf_mem_t mem;
    /** The file. */
    nxt_file_t *file;
    /** The first byte of the file that was not read yet. */
    nxt_off_t file_pos;
    /** After the last byte of the file. */
    nxt_off_t file_end;
};

/** Allocate a mark that there is no buffer. */
#define NXT_BUF_SYNC_NOBUF 1

/** Allocate a mark to send what there is. */
#define NXT_BUF_SYNC_FLUSH 2

/** Allocate a mark of the end. */
#define NXT_BUF_SYNC_LAST 4

/** How much of nxt_buf_t a buffer has. */
#define NXT_BUF_SYNC_SIZE  offsetof(nxt_buf_t, mem.free)
#define NXT_BUF_MEM_SIZE  offsetof(nxt_buf_t, file)
#define NXT_BUF_PORT_MMAP_SIZE  NXT_BUF_MEM_SIZE
#define NXT_BUF_FILE_SIZE  sizeof(nxt_buf_t)
#define NXT_BUF_MMAP_SIZE  NXT_BUF_FILE_SIZE

/* What a buffer is. */
#define nxt_buf_is_mem(b)  ((b)->mem.pos != NULL)
#define nxt_buf_is_file(b)  ((b)->is_file)
#define nxt_buf_is_mmap(b)  ((b)->is_mmap)
#define nxt_buf_is_port_mmap(b)  ((b)->is_port_mmap)
#define nxt_buf_is_sync(b)  ((b)->is_sync)
#define nxt_buf_is_nobuf(b)  ((b)->is_nobuf)
#define nxt_buf_is_flush(b)  ((b)->is_flush)
#define nxt_buf_is_last(b)  ((b)->is_last)

#define nxt_buf_set_file(b)  ((b)->is_file = 1)
#define nxt_buf_set_mmap(b)  ((b)->is_mmap = 1)
#define nxt_buf_set_port_mmap(b)  ((b)->is_port_mmap = 1)
#define nxt_buf_set_sync(b)  ((b)->is_sync = 1)
#define nxt_buf_set_nobuf(b)  ((b)->is_nobuf = 1)
#define nxt_buf_set_flush(b)  ((b)->is_flush = 1)
#define nxt_buf_set_last(b)  ((b)->is_last = 1)

#define nxt_buf_clear_file(b)  ((b)->is_file = 0)
#define nxt_buf_clear_mmap(b)  ((b)->is_mmap = 0)
#define nxt_buf_clear_port_mmap(b)  ((b)->is_port_mmap = 0)
#define nxt_buf_clear_sync(b)  ((b)->is_sync = 0)
#define nxt_buf_clear_nobuf(b)  ((b)->is_nobuf = 0)
#define nxt_buf_clear_flush(b)  ((b)->is_flush = 0)
#define nxt_buf_clear_last(b)  ((b)->is_last = 0)

/** The size of memory that is not there yet. */
#define nxt_buf_mem_set_size(memory, size)                                    \
    do {                                                                      \
        (memory)->end = (u_char *) (size);                                    \
        (memory)->start = NULL;                                               \
    } while (0)

#define nxt_buf_mem_size(memory)  ((memory)->end - (memory)->start)
#define nxt_buf_mem_used_size(memory)  ((memory)->free - (memory)->pos)
#define nxt_buf_mem_free_size(memory)  ((memory)->end - (memory)->free)

#define nxt_buf_used_size(b)                                                  \
    (!nxt_buf_is_file(b) ? nxt_buf_mem_used_size(&(b)->mem)                   \
                         : (b)->file_end - (b)->file_pos)

/**
 * Gives a buffer its memory, empty.
 *
 * Requires:
 * `b` is NULL or a buffer; `start` has `size` bytes as long as the buffer uses them.
 */
void nxt_buf_mem_init(nxt_buf_t *b,
                      void *start,
                      size_t size);

/**
 * A buffer with `size` bytes of memory; NULL when there is none.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
nxt_buf_t *nxt_buf_mem_alloc(nxt_mp_t *mp, size_t size, nxt_uint_t flags);

/**
 * A buffer for a stretch of a file, with `size` bytes of memory; NULL when there is none.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
nxt_buf_t *nxt_buf_file_alloc(nxt_mp_t *mp,
                              size_t size,
                              nxt_uint_t flags);

/**
 * A buffer for a mapped stretch of a file of `size` bytes; NULL when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
nxt_buf_t *nxt_buf_mmap_alloc(nxt_mp_t *mp,
                              size_t size);

/**
 * A mark in a chain; `flags` are of `NXT_BUF_SYNC_*`. NULL when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
nxt_buf_t *nxt_buf_sync_alloc(nxt_mp_t *mp,
                              nxt_uint_t flags);

/**
 * A buffer with `size` bytes of memory that any thread may complete. It holds its pool. NULL when
 * there is no memory.
 *
 * Requires:
 * `task` is NULL or valid, of the thread that the pool belongs to; `mp` is NULL or a pool.
 */
nxt_buf_t *nxt_buf_mem_ts_alloc(nxt_task_t *task,
                                nxt_mp_t *mp,
                                size_t size);

/**
 * Sends a buffer home, if this is another engine than its own: 1 then, and its completion handler
 * is called there; else 0.
 *
 * Requires:
 * `task` is NULL or valid, `obj` is NULL or a buffer of `nxt_buf_mem_ts_alloc`.
 */
nxt_int_t nxt_buf_ts_handle(nxt_task_t *task,
                            void *obj,
                            void *data);

/**
 * Gives up one hold on a buffer; without any it is complete.
 *
 * Requires:
 * `task` is what the buffer's handler takes; `parent` is NULL or a buffer that is held.
 */
void nxt_buf_parent_completion(nxt_task_t *task,
                               nxt_buf_t *parent);

/**
 * One buffer with the memory of a chain, at most `size` bytes, with 0 as many as there are; whole
 * buffers only. NULL when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool; `src` is NULL or a chain.
 */
nxt_buf_t *nxt_buf_make_plain(nxt_mp_t *mp,
                              nxt_buf_t *src,
                              size_t size);

/**
 * Appends a chain to another one.
 *
 * Requires:
 * `head` is NULL or names a chain; `in` is NULL or another chain.
 */
void nxt_buf_chain_add(nxt_buf_t **head, nxt_buf_t *in);

/**
 * How many bytes the memory of a chain holds.
 *
 * Requires:
 * `b` is NULL or a chain.
 */
size_t nxt_buf_chain_length(nxt_buf_t *b);

#define nxt_buf_free(pool, b)  nxt_mp_free((pool), (b))

/** One buffer for a chain of several. */
nxt_inline nxt_buf_t *
nxt_buf_chk_make_plain(nxt_mp_t *mp, nxt_buf_t *src, size_t size)
{
    return (src == NULL || src->next == NULL)
           ? src : nxt_buf_make_plain(mp, src, size);
}

/** Appends bytes, for which there must be room. */
nxt_inline nxt_buf_t *
nxt_buf_cpy(nxt_buf_t *b, const void *src, size_t length)
{
    b->mem.free = nxt_cpymem(b->mem.free, src, length);

    return b;
}

/** The same with a string. */
nxt_inline nxt_buf_t *
nxt_buf_cpystr(nxt_buf_t *b, const nxt_str_t *text)
{
    return nxt_buf_cpy(b, text->start, text->length);
}

/** A completion that does nothing. */
nxt_inline void
nxt_buf_dummy_completion(nxt_task_t *task, void *obj, void *data)
{
    (void) task;
    (void) obj;
    (void) data;
}

#endif /* NXT_BUF_H */
