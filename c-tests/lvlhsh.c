/* The level hash with a C caller's prototype, entries and memory. */

#include <nxt_main.h>

#include "check.h"

#define ENTRIES  20000

typedef struct {
    uint32_t  key;
    uint32_t  hash;
} entry_t;

static size_t   blocks, limit = SIZE_MAX;
static entry_t  entries[ENTRIES];


static nxt_int_t
is_wanted(nxt_lvlhsh_query_t *query, void *data)
{
    entry_t  *entry = data;

    return memcmp(query->key.start, &entry->key, sizeof(entry->key)) == 0
           ? NXT_OK : NXT_DECLINED;
}


static void *
allocate(void *pool, size_t size)
{
    CHECK(pool == &blocks);

    if (limit == 0) {
        return NULL;
    }

    limit--;
    blocks++;

    return aligned_alloc(size, size);
}


static void
release(void *pool, void *memory)
{
    CHECK(pool == &blocks);
    blocks--;
    free(memory);
}


static const nxt_lvlhsh_proto_t  usual = {
    NXT_LVLHSH_DEFAULT, is_wanted, allocate, release
};

static const nxt_lvlhsh_proto_t  wide = {
    NXT_LVLHSH_LARGE_SLAB, is_wanted, allocate, release
};


static nxt_lvlhsh_query_t
query_of(entry_t *entry, const nxt_lvlhsh_proto_t *proto)
{
    nxt_lvlhsh_query_t  query;

    memset(&query, 0, sizeof(query));
    query.key_hash = entry->hash;
    query.key.start = (u_char *) &entry->key;
    query.key.length = sizeof(entry->key);
    query.value = entry;
    query.proto = proto;
    query.pool = &blocks;

    return query;
}


static void
fill(const nxt_lvlhsh_proto_t *proto, uint32_t (*hash)(uint32_t), size_t count)
{
    size_t              i, drained;
    entry_t             other;
    nxt_lvlhsh_t        root;
    nxt_lvlhsh_query_t  query;

    nxt_lvlhsh_init(&root);
    CHECK(nxt_lvlhsh_is_empty(&root));

    for (i = 0; i < count; i++) {
        entries[i].key = (uint32_t) i;
        entries[i].hash = hash((uint32_t) i);
        query = query_of(&entries[i], proto);
        CHECK(nxt_lvlhsh_insert(&root, &query) == NXT_OK);
    }

    for (i = 0; i < count; i++) {
        query = query_of(&entries[i], proto);
        query.value = NULL;
        CHECK(nxt_lvlhsh_find(&root, &query) == NXT_OK);
        CHECK(query.value == &entries[i]);
    }

    other.key = (uint32_t) count;
    other.hash = hash(other.key);
    query = query_of(&other, proto);
    CHECK(nxt_lvlhsh_find(&root, &query) == NXT_DECLINED);
    CHECK(nxt_lvlhsh_delete(&root, &query) == NXT_DECLINED);

    /* An equal entry stays, unless it is to be replaced. */

    other = entries[3];
    query = query_of(&other, proto);
    CHECK(nxt_lvlhsh_insert(&root, &query) == NXT_DECLINED);
    CHECK(query.value == &entries[3]);

    query.value = &other;
    query.replace = 1;
    CHECK(nxt_lvlhsh_insert(&root, &query) == NXT_OK);
    CHECK(query.value == &entries[3]);
    CHECK(nxt_lvlhsh_find(&root, &query) == NXT_OK);
    CHECK(query.value == &other);

    for (i = 0; i < count; i += 2) {
        query = query_of(&entries[i], proto);
        CHECK(nxt_lvlhsh_delete(&root, &query) == NXT_OK);
        CHECK(nxt_lvlhsh_find(&root, &query) == NXT_DECLINED);
    }

    for (drained = 0;
         nxt_lvlhsh_retrieve(&root, proto, &blocks) != NULL;
         drained++)
    {
        /* Counting is all. */
    }

    CHECK(drained == count / 2);
    CHECK(nxt_lvlhsh_is_empty(&root));
    CHECK(blocks == 0);
}


static void
no_memory(void)
{
    size_t              i, granted;
    nxt_int_t           result;
    nxt_lvlhsh_t        root;
    nxt_lvlhsh_query_t  query;

    nxt_lvlhsh_init(&root);

    for (i = 0; i < 200; i++) {
        query = query_of(&entries[i], &usual);

        for (granted = 0; ; granted++) {
            limit = granted;
            result = nxt_lvlhsh_insert(&root, &query);
            limit = SIZE_MAX;

            if (result == NXT_OK) {
                break;
            }

            CHECK(result == NXT_ERROR);
            CHECK(nxt_lvlhsh_find(&root, &query) == NXT_DECLINED);
            query.value = &entries[i];
        }
    }

    for (i = 0; i < 200; i++) {
        query = query_of(&entries[i], &usual);
        CHECK(nxt_lvlhsh_delete(&root, &query) == NXT_OK);
    }

    CHECK(nxt_lvlhsh_is_empty(&root));
    CHECK(blocks == 0);
}


static uint32_t
scattered(uint32_t key)
{
    return nxt_murmur_hash2(&key, sizeof(key));
}


static uint32_t
colliding(uint32_t key)
{
    return (key & 1) ? 0xFFFFFFFF : 0;
}


int
main(void)
{
    fill(&usual, scattered, ENTRIES);
    fill(&wide, scattered, ENTRIES);
    fill(&usual, colliding, 500);
    fill(&wide, colliding, 500);
    no_memory();

    return REPORT("lvlhsh");
}
