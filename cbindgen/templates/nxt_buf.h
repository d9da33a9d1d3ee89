/* Buffers, and chains of them. */

#ifndef NXT_BUF_H
#define NXT_BUF_H

@ nxt_buf_mem_t

@ struct nxt_buf_t

@ NXT_BUF_SYNC_NOBUF

@ NXT_BUF_SYNC_FLUSH

@ NXT_BUF_SYNC_LAST

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

@ nxt_buf_mem_init

@ nxt_buf_mem_alloc

@ nxt_buf_file_alloc

@ nxt_buf_mmap_alloc

@ nxt_buf_sync_alloc

@ nxt_buf_mem_ts_alloc

@ nxt_buf_ts_handle

@ nxt_buf_parent_completion

@ nxt_buf_make_plain

@ nxt_buf_chain_add

@ nxt_buf_chain_length

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
