/* Memory pools. */

#ifndef NXT_MP_H
#define NXT_MP_H

@ nxt_mp_create

@ nxt_mp_test_sizes

@ nxt_mp_destroy

@ nxt_mp_retain

@ nxt_mp_release

@ nxt_mp_is_empty

@ nxt_mp_alloc

@ nxt_mp_zalloc

@ nxt_mp_align

@ nxt_mp_zalign

@ nxt_mp_free

@ nxt_mp_nget

@ nxt_mp_get

@ nxt_mp_zget

@ nxt_mp_cleanup

@ nxt_mp_thread_adopt

@ nxt_mp_lvlhsh_alloc

@ nxt_mp_lvlhsh_free

#endif /* NXT_MP_H */
