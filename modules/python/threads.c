/*
 * threads.c: the additional threads of "threads": each runs a libunit context
 * of its own, with its own Python thread state and protocol context.
 */

#include "python.h"

#include <pthread.h>


typedef struct {
    pthread_t       id;
    bool            started;
    nxt_unit_ctx_t  *main_ctx;
    void            *context;
} worker_t;


static void *worker_main(void *data);


static worker_t                *workers;
static uint32_t                workers_count;
static size_t                  workers_stack_size;
static const nxtpy_protocol_t  *workers_protocol;


/* Allocates what the threads need; they start when libunit is ready. */
int
nxtpy_threads_prepare(const nxtpy_protocol_t *protocol,
    nxt_python_app_conf_t *conf)
{
    uint32_t  i, n;

    if (conf->threads <= 1) {
        return NXT_UNIT_OK;
    }

    n = conf->threads - 1;

    workers = calloc(n, sizeof(worker_t));
    if (workers == NULL) {
        nxt_unit_alert(NULL, "Failed to allocate thread info array");
        return NXT_UNIT_ERROR;
    }

    workers_count = n;
    workers_stack_size = conf->thread_stack_size;
    workers_protocol = protocol;

    for (i = 0; i < n; i++) {
        workers[i].context = protocol->context_new();

        if (workers[i].context == NULL) {
            return NXT_UNIT_ERROR;
        }
    }

    return NXT_UNIT_OK;
}


/*
 * libunit's ready_handler: the router knows this process now.  It may run
 * without the GIL, so it touches no Python object.
 */
int
nxtpy_threads_start(nxt_unit_ctx_t *main_ctx)
{
    int             err;
    uint32_t        i;
    pthread_attr_t  attr;

    if (workers_count == 0) {
        return NXT_UNIT_OK;
    }

    err = pthread_attr_init(&attr);
    if (err != 0) {
        nxt_unit_alert(main_ctx, "thread attr init failed: %s (%d)",
                       strerror(err), err);
        return NXT_UNIT_ERROR;
    }

    if (workers_stack_size > 0) {
        err = pthread_attr_setstacksize(&attr, workers_stack_size);

        if (err != 0) {
            nxt_unit_alert(main_ctx,
                           "thread attr set stack size failed: %s (%d)",
                           strerror(err), err);

            (void) pthread_attr_destroy(&attr);

            return NXT_UNIT_ERROR;
        }
    }

    for (i = 0; i < workers_count; i++) {
        workers[i].main_ctx = main_ctx;

        err = pthread_create(&workers[i].id, &attr, worker_main, &workers[i]);

        if (err != 0) {
            /* The process serves with the threads it has. */
            nxt_unit_alert(main_ctx, "thread #%d create failed: %s (%d)",
                           (int) (i + 1), strerror(err), err);
            continue;
        }

        workers[i].started = true;
    }

    (void) pthread_attr_destroy(&attr);

    return NXT_UNIT_OK;
}


static void *
worker_main(void *data)
{
    worker_t          *worker;
    nxt_unit_ctx_t    *ctx;
    PyGILState_STATE  state;

    worker = data;

    state = PyGILState_Ensure();

    if (workers_protocol->startup == NULL
        || workers_protocol->startup(worker->context) == NXT_UNIT_OK)
    {
        ctx = nxt_unit_ctx_alloc(worker->main_ctx, worker->context);

        if (ctx != NULL) {
            (void) workers_protocol->run(ctx);

            nxt_unit_done(ctx);

        } else {
            nxt_unit_alert(NULL, "thread failed to get a context");
        }
    }

    PyGILState_Release(state);

    return NULL;
}


/* Called with the GIL held; gives it up for the threads to finish. */
void
nxtpy_threads_join(void)
{
    int            err;
    uint32_t       i;
    PyThreadState  *state;

    if (workers == NULL) {
        return;
    }

    state = PyEval_SaveThread();

    for (i = 0; i < workers_count; i++) {
        if (!workers[i].started) {
            continue;
        }

        err = pthread_join(workers[i].id, NULL);

        if (err != 0) {
            nxt_unit_alert(NULL, "thread #%d join failed: %s (%d)",
                           (int) (i + 1), strerror(err), err);
        }
    }

    PyEval_RestoreThread(state);

    for (i = 0; i < workers_count; i++) {
        if (workers[i].context != NULL) {
            workers_protocol->context_free(workers[i].context);
        }
    }

    free(workers);

    workers = NULL;
    workers_count = 0;
}
