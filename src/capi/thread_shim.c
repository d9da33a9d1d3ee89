/*
 * What of the threads only C can do: the thread-local nxt_thread_context, and
 * the calls of the C library that leave a thread by unwinding its stack, which
 * must not go through frames of Rust.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define EXPORT  __attribute__((visibility("default")))

/* The sizes are those of nxt_thread_t and nxt_realtime_t (src/abi). */

typedef struct {
    uint64_t  words[560 / sizeof(uint64_t)];
} nxt_thread_context_t;

typedef struct {
    int64_t   sec;
    uint32_t  nsec;
} nxt_realtime_t;

typedef void (*nxt_thread_start_t)(void *data);

EXPORT _Thread_local nxt_thread_context_t  nxt_thread_context;

void *nxt_thread_context_address(void);
void *nxt_thread_trampoline(void *link);
nxt_thread_start_t nxt_thread_enter(void *link, void **data);
void nxt_thread_leave(void *thr);
void nxt_thread_wait_failed(int error);
void nxt_thread_time_free(void *thr);
void nxt_thread_time_update(void *thr);
nxt_realtime_t *nxt_thread_realtime(void *thr);

EXPORT void nxt_thread_exit(void *thr);
EXPORT int nxt_thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mtx,
    uint64_t timeout);


void *
nxt_thread_context_address(void)
{
    return &nxt_thread_context;
}


/* What pthread_create() starts. */

void *
nxt_thread_trampoline(void *link)
{
    void                *data = NULL;
    nxt_thread_start_t  start;

    start = nxt_thread_enter(link, &data);

    /* Of a thread that is cancelled the texts it keeps are freed. */

    pthread_cleanup_push(nxt_thread_time_free, &nxt_thread_context);

    if (start != NULL) {
        start(data);
    }

    pthread_cleanup_pop(0);

    nxt_thread_exit(&nxt_thread_context);

    return NULL;
}


void
nxt_thread_exit(void *thr)
{
    nxt_thread_leave(thr);

    pthread_exit(NULL);
}


int
nxt_thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mtx,
    uint64_t timeout)
{
    int              error;
    uint64_t         nsec;
    nxt_realtime_t   *now;
    struct timespec  until;
    const uint64_t   second = 1000000000;

    if (cond == NULL || mtx == NULL) {
        return -1;
    }

    if (timeout == UINT64_MAX) {
        error = pthread_cond_wait(cond, mtx);

    } else {
        now = nxt_thread_realtime(&nxt_thread_context);
        nsec = now->nsec + timeout % second;
        until.tv_sec = now->sec + (time_t) (timeout / second + nsec / second);
        until.tv_nsec = (long) (nsec % second);

        error = pthread_cond_timedwait(cond, mtx, &until);
    }

    nxt_thread_time_update(&nxt_thread_context);

    if (error == 0 || (error == ETIMEDOUT && timeout != UINT64_MAX)) {
        return error;
    }

    nxt_thread_wait_failed(error);

    return -1;
}
