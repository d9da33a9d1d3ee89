/*
 * asgi_exchange.c: what plain requests and WebSocket connections share: the
 * task of the application, the futures of receive(), the end of the request.
 */

#include "asgi.h"


static PyObject *start_task(nxtpy_exchange_t *exchange, PyObject *receive,
    PyObject *send);
static int task_outcome(nxtpy_exchange_t *exchange, PyObject *task);


nxtpy_exchange_t *
nxtpy_exchange_new(PyTypeObject *type, nxt_unit_request_info_t *req)
{
    nxtpy_exchange_t  *exchange;

    exchange = (nxtpy_exchange_t *) type->tp_alloc(type, 0);

    if (exchange == NULL) {
        nxt_unit_req_alert(req, "Python failed to create asgi object");
        nxtpy_print_exception();
        nxt_unit_request_done(req, NXT_UNIT_ERROR);

        return NULL;
    }

    exchange->loop = req->ctx->data;
    exchange->req = req;

    req->data = exchange;

    return exchange;
}


/* For the deallocators of the types. */
void
nxtpy_exchange_clear(nxtpy_exchange_t *exchange)
{
    Py_CLEAR(exchange->task);
    Py_CLEAR(exchange->waiters);
}


/*
 * Starts the application.  If that fails, the reason is logged and the request
 * is answered with an error.
 */
int
nxtpy_exchange_run(nxtpy_exchange_t *exchange, PyMethodDef *receive_def,
    PyMethodDef *send_def)
{
    PyObject  *task, *receive, *send;

    task = NULL;

    receive = PyCFunction_New(receive_def, (PyObject *) exchange);
    send = PyCFunction_New(send_def, (PyObject *) exchange);

    if (receive != NULL && send != NULL) {
        task = start_task(exchange, receive, send);
    }

    Py_XDECREF(receive);
    Py_XDECREF(send);

    if (task == NULL) {
        nxt_unit_req_error(exchange->req,
                           "Python failed to call the application");
        nxtpy_print_exception();

        nxtpy_exchange_finish(exchange, NXT_UNIT_ERROR);

        return -1;
    }

    exchange->task = task;

    nxt_queue_insert_tail(&exchange->loop->exchanges, &exchange->link);

    return 0;
}


static PyObject *
start_task(nxtpy_exchange_t *exchange, PyObject *receive, PyObject *send)
{
    uint8_t         index;
    PyObject        *state, *scope, *coroutine, *task, *none;
    nxtpy_loop_t    *loop;
    nxtpy_target_t  *target;

    loop = exchange->loop;
    index = exchange->req->request->app_target;
    target = &nxtpy_targets[index];

    state = nxtpy_asgi_lifespan_state(loop, index);
    if (state == NULL) {
        return NULL;
    }

    scope = nxtpy_asgi_scope(exchange->req, target, state);

    Py_DECREF(state);

    if (scope == NULL) {
        return NULL;
    }

    coroutine = nxtpy_asgi_call(target, scope, receive, send);

    Py_DECREF(scope);

    if (coroutine == NULL) {
        return NULL;
    }

    task = PyObject_CallOneArg(loop->create_task, coroutine);

    Py_DECREF(coroutine);

    if (task == NULL) {
        return NULL;
    }

    none = PyObject_CallMethodOneArg(task, nxtpy_str_add_done_callback,
                                     (PyObject *) exchange);
    if (none == NULL) {
        Py_DECREF(task);
        return NULL;
    }

    Py_DECREF(none);

    return task;
}


/* The exchange is its task's done callback. */
PyObject *
nxtpy_exchange_call(PyObject *self, PyObject *args, PyObject *kwds NXTPY_UNUSED)
{
    int               rc;
    PyObject          *task;
    nxtpy_exchange_t  *exchange;

    exchange = (nxtpy_exchange_t *) self;

    if (PyTuple_GET_SIZE(args) != 1
        || exchange->task == NULL
        || PyTuple_GET_ITEM(args, 0) != exchange->task)
    {
        return PyErr_Format(PyExc_TypeError, "not for the application to call");
    }

    task = exchange->task;
    exchange->task = NULL;

    nxt_queue_remove(&exchange->link);

    rc = task_outcome(exchange, task);

    Py_DECREF(task);

    exchange->ended(exchange, rc);

    Py_RETURN_NONE;
}


static int
task_outcome(nxtpy_exchange_t *exchange, PyObject *task)
{
    PyObject  *result;

    result = PyObject_CallMethodNoArgs(task, nxtpy_str_result);

    if (result != NULL) {
        Py_DECREF(result);
        return NXT_UNIT_OK;
    }

    /* CancelledError is a BaseException: at the end it is our own doing. */
    if (exchange->loop->closing && !PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
        return NXT_UNIT_ERROR;
    }

    if (exchange->req != NULL) {
        nxt_unit_req_error(exchange->req, "the ASGI application failed");

    } else {
        nxt_unit_error(NULL, "the ASGI application failed after its response "
                       "was complete");
    }

    nxtpy_print_exception();

    return NXT_UNIT_ERROR;
}


/*
 * Ends the request, after what waits to be sent if there is no error.  The
 * task may go on; it can neither send nor receive any more.
 */
void
nxtpy_exchange_finish(nxtpy_exchange_t *exchange, int rc)
{
    nxt_unit_request_info_t  *req;

    req = exchange->req;

    if (req == NULL) {
        return;
    }

    if (rc == NXT_UNIT_OK && exchange->sends != NULL) {
        exchange->finishing = true;
        return;
    }

    exchange->req = NULL;
    req->data = NULL;

    nxtpy_exchange_drop_sends(exchange);

    nxt_unit_request_done(req, rc);
}


/* A future for receive() that is resolved when something comes in. */
PyObject *
nxtpy_exchange_wait(nxtpy_exchange_t *exchange)
{
    PyObject  *future;

    if (exchange->waiters == NULL) {
        exchange->waiters = PyList_New(0);

        if (exchange->waiters == NULL) {
            return NULL;
        }
    }

    future = nxtpy_future_new(exchange->loop);

    if (future != NULL && PyList_Append(exchange->waiters, future) != 0) {
        Py_CLEAR(future);
    }

    return future;
}


/* The next future that still waits, as a new reference, or NULL. */
PyObject *
nxtpy_exchange_take_waiter(nxtpy_exchange_t *exchange)
{
    PyObject  *future;

    while (exchange->waiters != NULL && PyList_GET_SIZE(exchange->waiters) > 0)
    {
        future = Py_NewRef(PyList_GET_ITEM(exchange->waiters, 0));

        if (PyList_SetSlice(exchange->waiters, 0, 1, NULL) != 0) {
            nxtpy_print_exception();
        }

        if (!nxtpy_future_is_done(future)) {
            return future;
        }

        Py_DECREF(future);
    }

    return NULL;
}


/* Resolves all futures of receive(), each with a message of its own. */
void
nxtpy_exchange_wake_all(nxtpy_exchange_t *exchange,
    PyObject *(*message_of)(nxtpy_exchange_t *exchange))
{
    PyObject  *future;

    for ( ;; ) {
        future = nxtpy_exchange_take_waiter(exchange);
        if (future == NULL) {
            return;
        }

        nxtpy_future_settle(future, message_of(exchange));
    }
}
