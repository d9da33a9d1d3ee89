/*
 * An engine with threads: a pool that does jobs and returns them, the end of a
 * thread that the engine learns of, and the record of a moderated failure that
 * a timer writes.
 */

#define _GNU_SOURCE

#include <nxt_main.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#define JOBS  50
#define THREADS  3

extern char  **environ;

typedef struct {
    nxt_job_t   job;
    int         number;
    int         result;
    nxt_tid_t   tid;
} square_t;

static nxt_event_engine_t  *engine;
static nxt_thread_pool_t   *pool;
static nxt_mp_t            *mp;
static square_t            *cancelled;
static nxt_atomic_t        prepared;
static int                 returned, aborted, refused, records[2], old;

static nxt_log_moderation_t  often = { NXT_LOG_ALERT, 2, "this failed",
                                       NXT_LOG_MODERATION };


static void
prepare(void)
{
    (void) nxt_atomic_fetch_add(&prepared, 1);
}


static nxt_tid_t
own_tid(void)
{
    return nxt_thread_tid(nxt_thread());
}


/* The end: the timer of the moderation has written its record. */

static void
finish(nxt_task_t *task, void *obj, void *data)
{
    char     text[8192];
    ssize_t  size;

    (void) task;
    (void) obj;
    (void) data;

    size = read(records[0], text, sizeof(text) - 1);
    text[nxt_max(size, 0)] = '\0';
    dup2(old, STDERR_FILENO);

    CHECK(strstr(text, "this failed 98 times\n") != NULL);
    CHECK(nxt_log_moderate_allow(&often) == 1);

    CHECK(returned == JOBS + 1);
    CHECK(aborted == 1);
    CHECK(refused == 1);
    CHECK(prepared >= 1 && prepared <= THREADS);

    nxt_mp_destroy(mp);
    exit(REPORT("host_threads"));
}


static void
moderate(void)
{
    int                 i, allowed;
    static nxt_timer_t  timer;

    CHECK(pipe2(records, O_NONBLOCK) == 0);
    old = dup(STDERR_FILENO);
    dup2(records[1], STDERR_FILENO);

    allowed = 0;
    /* As far as the clock of the thread goes it is one second. */
    for (i = 0; i < 100; i++) {
        allowed += (int) nxt_log_moderate_allow(&often);
    }

    CHECK(allowed == 2);

    timer.work_queue = &engine->fast_work_queue;
    timer.handler = finish;
    timer.task = &engine->task;
    timer.log = engine->task.log;
    nxt_timer_add(engine, &timer, 1300);
}


/* A thread of the program's has ended. */

static void
ended(nxt_task_t *task, void *obj, void *data)
{
    nxt_thread_link_t  *link;

    CHECK(task == &engine->task);

    link = data;
    nxt_thread_wait((nxt_thread_handle_t) (uintptr_t) obj);
    nxt_free(link);

    moderate();
}


static void
run_thread(void *data)
{
    CHECK(((nxt_thread_link_t *) data)->engine == engine);
    nxt_thread_exit(nxt_thread());
    CHECK(!"a thread goes on after its end");
}


static void
start_thread(void)
{
    nxt_thread_link_t    *link;
    nxt_thread_handle_t  handle;

    link = nxt_zalloc(sizeof(nxt_thread_link_t));
    link->start = run_thread;
    link->engine = engine;
    nxt_work_set(&link->work, ended, &engine->task, NULL, link);

    CHECK(nxt_thread_create(&handle, link) == NXT_OK);
}


/* The pool has no thread any more. */

static void
pool_ended(nxt_task_t *task, void *obj, void *data)
{
    CHECK(obj == pool);
    CHECK(own_tid() == task->thread->tid);

    nxt_thread_wait((nxt_thread_handle_t) (uintptr_t) data);
    nxt_free(obj);

    start_thread();
}


/* Back on the engine. */

static void
job_done(nxt_task_t *task, void *obj, void *data)
{
    square_t  *square;

    square = obj;

    CHECK(task->thread == nxt_thread());
    CHECK(data == &engine);
    CHECK(square->result == square->number * square->number);
    CHECK(square->tid != own_tid());
    CHECK(square->job.engine == engine);

    nxt_job_destroy(task, square);

    if (++returned == JOBS) {
        nxt_thread_pool_destroy(pool);
    }
}


/* The caller is the one who does a job without a pool. */

static void
job_own(nxt_task_t *task, void *obj, void *data)
{
    (void) data;

    returned++;
    nxt_job_destroy(task, obj);
}


static void
job_aborted(nxt_task_t *task, void *obj, void *data)
{
    (void) data;

    CHECK(obj == cancelled);
    CHECK(task->thread == nxt_thread());
    aborted++;
    nxt_job_destroy(task, obj);
}


static void
job_refused(nxt_task_t *task, void *obj, void *data)
{
    (void) data;

    refused++;
    nxt_job_destroy(task, obj);
}


/* On a thread of the pool. */

static void
job_work(nxt_task_t *task, void *obj, void *data)
{
    square_t  *square;

    (void) data;

    square = obj;
    square->result = square->number * square->number;
    square->tid = own_tid();

    nxt_job_return(task, &square->job, job_done);
}


static nxt_task_t *
new_task(nxt_mp_t *owner)
{
    nxt_task_t  *task;

    task = nxt_mp_zget(owner, sizeof(nxt_task_t));
    *task = engine->task;
    task->ident = nxt_task_next_ident();

    return task;
}


static square_t *
new_job(nxt_thread_pool_t *threads, int i)
{
    square_t  *square;

    /* Every other one is out of a pool that is not its own. */
    square = nxt_job_create(i % 2 ? mp : NULL, sizeof(square_t));
    CHECK(square != NULL);
    CHECK((square->job.cache_size == 0) == (i % 2 == 0));

    square->number = i;
    square->job.data = &engine;
    square->job.task = new_task(i % 2 ? mp : square->job.mem_pool);
    square->job.thread_pool = threads;
    square->job.abort_handler = job_aborted;
    nxt_job_set_name(&square->job, "square");

    return square;
}


static void
start(nxt_task_t *task, void *obj, void *data)
{
    int                       i;
    square_t                  *square;
    static nxt_thread_pool_t  *none;

    (void) obj;
    (void) data;

    CHECK(nxt_thread_pool_create(THREADS, 0, NULL, NULL, NULL) == NULL);
    CHECK(nxt_thread_pool_post(NULL, NULL) == NXT_ERROR);
    CHECK(nxt_job_create(NULL, sizeof(nxt_job_t) - 1) == NULL);
    CHECK(nxt_job_create(mp, 100000) == NULL);
    nxt_job_destroy(task, NULL);
    nxt_job_start(task, NULL, job_work);
    nxt_job_return(task, NULL, job_work);

    /* A pool that cannot have threads aborts its jobs. */
    none = nxt_thread_pool_create(0, NXT_INFINITE_NSEC, NULL, engine, NULL);
    CHECK(none != NULL);
    square = new_job(none, 0);
    square->job.abort_handler = job_refused;
    nxt_job_start(task, &square->job, job_work);
    nxt_free(none);

    pool = nxt_thread_pool_create(THREADS, NXT_INFINITE_NSEC, prepare, engine,
                                  pool_ended);
    CHECK(pool != NULL);

    square = new_job(NULL, 1);
    nxt_job_start(task, &square->job, job_own);

    cancelled = new_job(pool, 2);
    nxt_job_cancel(&cancelled->job);
    nxt_job_start(task, &cancelled->job, job_work);

    /* One that was done by the caller is counted by now. */
    for (i = 1; i < JOBS; i++) {
        square = new_job(pool, i);
        nxt_job_start(task, &square->job, job_work);
    }

    square = new_job(pool, JOBS);
    nxt_job_start(task, &square->job, job_work);
}


int
main(int argc, char **argv)
{
    nxt_job_t  job;

    (void) argc;

    if (nxt_lib_start("host_threads", argv, &environ) != NXT_OK) {
        return 1;
    }

    alarm(30);

    nxt_main_log.level = NXT_LOG_INFO;
    mp = nxt_mp_create(4096, 128, 1024, 64);

    memset(&job, 0xFF, sizeof(job));
    nxt_job_init(&job, sizeof(job));
    CHECK(job.link.next == &job.link && job.thread_pool == NULL);
    nxt_job_init(NULL, 0);

    engine = nxt_event_engine_create(&nxt_main_task, &nxt_epoll_edge_engine,
                                     NULL, 0, 0);
    CHECK(engine != NULL);
    nxt_thread()->engine = engine;

#if (NXT_DEBUG)
    CHECK(strcmp(engine->close_work_queue.name, "close") == 0);
    CHECK(engine->close_work_queue.tid == own_tid());
    nxt_event_engine_thread_adopt(engine);
#endif

    nxt_work_queue_add(&engine->fast_work_queue, start, &engine->task, NULL,
                       NULL);
    nxt_event_engine_start(engine);

    return 1;
}
