/*
 * asgi.c: ASGI as a protocol of the module: the event loop of a thread, from
 * its making to its end.
 */

#include "asgi.h"


static int loop_bind(nxtpy_loop_t *loop);
static void request_handler(nxt_unit_request_info_t *req);
static void close_handler(nxt_unit_request_info_t *req);
static void shm_ack_handler(nxt_unit_ctx_t *ctx);


static int
asgi_init(nxt_unit_init_t *init, nxt_python_app_conf_t *conf NXTPY_UNUSED)
{
    uint32_t        i;
    nxtpy_target_t  *target;

    if (nxtpy_asgi_names_init() != NXT_UNIT_OK) {
        return NXT_UNIT_ERROR;
    }

    if (nxtpy_awaitable_init() != 0
        || nxtpy_asgi_scope_init() != 0
        || nxtpy_asgi_http_init() != 0
        || nxtpy_asgi_websocket_init() != 0
        || nxtpy_asgi_lifespan_init() != 0
        || nxtpy_asgi_port_init() != 0)
    {
        nxt_unit_alert(NULL, "Python failed to prepare the ASGI types");
        nxtpy_print_exception();

        return NXT_UNIT_ERROR;
    }

    for (i = 0; i < nxtpy_targets_count; i++) {
        target = &nxtpy_targets[i];
        target->legacy = nxtpy_is_asgi_legacy(target->application);
    }

    init->callbacks.request_handler = request_handler;
    init->callbacks.data_handler = nxtpy_asgi_http_data;
    init->callbacks.websocket_handler = nxtpy_asgi_websocket_frame;
    init->callbacks.close_handler = close_handler;
    init->callbacks.quit = nxtpy_asgi_quit;
    init->callbacks.shm_ack_handler = shm_ack_handler;
    init->callbacks.add_port = nxtpy_asgi_add_port;
    init->callbacks.remove_port = nxtpy_asgi_remove_port;

    return NXT_UNIT_OK;
}


/*
 * The structure itself stays: coroutines that are still suspended end only
 * with the interpreter, and may ask once more to receive something.
 */
static void
loop_free(void *data)
{
    nxtpy_loop_t  *loop;

    loop = data;

    nxtpy_asgi_lifespan_free(loop);

    Py_CLEAR(loop->quit_future);
    Py_CLEAR(loop->run_until_complete);
    Py_CLEAR(loop->remove_reader);
    Py_CLEAR(loop->add_reader);
    Py_CLEAR(loop->call_soon);
    Py_CLEAR(loop->create_task);
    Py_CLEAR(loop->create_future);
    Py_CLEAR(loop->loop);
}


static void *
loop_new(void)
{
    PyObject      *asyncio;
    nxtpy_loop_t  *loop;

    loop = calloc(1, sizeof(nxtpy_loop_t));
    if (loop == NULL) {
        nxt_unit_alert(NULL, "Failed to allocate an ASGI context");
        return NULL;
    }

    nxt_queue_init(&loop->exchanges);
    nxt_queue_init(&loop->draining);
    nxt_queue_init(&loop->readers);

    asyncio = PyImport_ImportModule("asyncio");

    /* The application may have installed a policy, such as uvloop's. */
    if (asyncio != NULL) {
        loop->loop = PyObject_CallMethod(asyncio, "new_event_loop", NULL);

        Py_DECREF(asyncio);
    }

    if (loop->loop == NULL || loop_bind(loop) != 0) {
        nxt_unit_alert(NULL, "Python failed to create an event loop");
        nxtpy_print_exception();
        loop_free(loop);

        return NULL;
    }

    return loop;
}


static int
loop_bind(nxtpy_loop_t *loop)
{
    size_t  i;

    const struct {
        const char  *name;
        PyObject    **method;
    } methods[] = {
        { "create_future",      &loop->create_future },
        { "create_task",        &loop->create_task },
        { "call_soon",          &loop->call_soon },
        { "add_reader",         &loop->add_reader },
        { "remove_reader",      &loop->remove_reader },
        { "run_until_complete", &loop->run_until_complete },
    };

    for (i = 0; i < nxt_nitems(methods); i++) {
        *methods[i].method = PyObject_GetAttrString(loop->loop,
                                                    methods[i].name);
        if (*methods[i].method == NULL) {
            return -1;
        }
    }

    loop->quit_future = nxtpy_future_new(loop);

    return (loop->quit_future != NULL) ? 0 : -1;
}


static int
loop_startup(void *data)
{
    return nxtpy_asgi_lifespan_startup(data);
}


/*
 * SystemExit in a task interrupts the event loop.  The request of the task
 * fails, but the others go on.
 */
static bool
survives_exit(nxt_unit_ctx_t *ctx, nxtpy_loop_t *loop)
{
    if (!PyErr_ExceptionMatches(PyExc_SystemExit)) {
        return false;
    }

    PyErr_Clear();

    nxt_unit_warn(ctx, "SystemExit in an ASGI task does not end the process");

    return !nxtpy_future_is_done(loop->quit_future);
}


static int
loop_run(nxt_unit_ctx_t *ctx)
{
    PyObject      *result;
    nxtpy_loop_t  *loop;

    loop = ctx->data;

    do {
        result = PyObject_CallOneArg(loop->run_until_complete,
                                     loop->quit_future);

    } while (result == NULL && survives_exit(ctx, loop));

    if (result == NULL && PyErr_Occurred()) {
        nxt_unit_alert(ctx, "Python failed to call loop.run_until_complete");
        nxtpy_print_exception();

        loop->rc = NXT_UNIT_ERROR;
    }

    Py_XDECREF(result);

    nxtpy_asgi_end_exchanges(loop);

    if (nxtpy_asgi_lifespan_shutdown(loop) != NXT_UNIT_OK) {
        loop->rc = NXT_UNIT_ERROR;
    }

    nxtpy_asgi_close_loop(loop);

    return loop->rc;
}


const nxtpy_protocol_t  nxtpy_asgi = {
    .init         = asgi_init,
    .context_new  = loop_new,
    .context_free = loop_free,
    .startup      = loop_startup,
    .run          = loop_run,
};


static void
request_handler(nxt_unit_request_info_t *req)
{
    if (req->request->websocket_handshake) {
        nxtpy_asgi_websocket_start(req);

    } else {
        nxtpy_asgi_http_start(req);
    }
}


/* The client or the router is gone, or unitd ends the process. */
static void
close_handler(nxt_unit_request_info_t *req)
{
    if (req->request->websocket_handshake) {
        nxtpy_asgi_websocket_closed(req);

    } else {
        nxtpy_asgi_http_closed(req);
    }
}


/* The router has freed shared memory. */
static void
shm_ack_handler(nxt_unit_ctx_t *ctx)
{
    nxtpy_loop_drain(ctx->data);
}
