/*
 * asgi_lifespan.c: the lifespan protocol of ASGI: each target hears when the
 * event loop starts to serve and when it ends, and shares a state with its
 * connections.
 *
 * An application that raises an exception on the lifespan scope does without.
 */

#include "asgi.h"


typedef struct {
    PyObject_HEAD

    nxtpy_loop_t  *loop;
    PyObject      *state;            /* dict, copied for each connection */
    PyObject      *task;
    PyObject      *startup;          /* futures that the loop runs until */
    PyObject      *shutdown;
    PyObject      *waiter;           /* of receive() */

    bool          disabled;          /* the application left the protocol */
    bool          startup_received;
    bool          startup_sent;
    bool          startup_failed;
    bool          shutdown_called;
    bool          shutdown_received;
    bool          shutdown_sent;
} lifespan_t;


static lifespan_t *lifespan_new(nxtpy_loop_t *loop);
static int start_target(nxtpy_loop_t *loop, lifespan_t *lifespan,
    nxtpy_target_t *target);
static PyObject *start_task(nxtpy_loop_t *loop, lifespan_t *lifespan,
    nxtpy_target_t *target);
static int shutdown_target(nxtpy_loop_t *loop, lifespan_t *lifespan);
static int run_until(nxtpy_loop_t *loop, PyObject *future);
static PyObject *lifespan_receive(PyObject *self, PyObject *none);
static PyObject *lifespan_send(PyObject *self, PyObject *message);
static PyObject *send_startup(lifespan_t *lifespan, PyObject *message,
    bool failed);
static PyObject *send_shutdown(lifespan_t *lifespan, PyObject *message,
    bool failed);
static void log_failure(PyObject *message, const char *what);
static PyObject *invalid_transition(lifespan_t *lifespan);
static PyObject *lifespan_call(PyObject *self, PyObject *args, PyObject *kwds);
static void lifespan_dealloc(PyObject *self);


static PyMethodDef  receive_def = {
    "receive", lifespan_receive, METH_NOARGS, "awaits the next ASGI message"
};

static PyMethodDef  send_def = {
    "send", lifespan_send, METH_O, "sends an ASGI message"
};

static PyTypeObject  lifespan_type = {
    PyVarObject_HEAD_INIT(NULL, 0)

    .tp_name      = "unit._asgi_lifespan",
    .tp_doc       = "An ASGI lifespan.",
    .tp_basicsize = sizeof(lifespan_t),
    .tp_flags     = Py_TPFLAGS_DEFAULT,
    .tp_dealloc   = lifespan_dealloc,
    .tp_call      = lifespan_call,
};


int
nxtpy_asgi_lifespan_init(void)
{
    return PyType_Ready(&lifespan_type);
}


int
nxtpy_asgi_lifespan_startup(nxtpy_loop_t *loop)
{
    uint32_t    i;
    lifespan_t  *lifespan;

    loop->lifespans = calloc(nxtpy_targets_count, sizeof(PyObject *));

    if (loop->lifespans == NULL) {
        nxt_unit_alert(NULL, "Failed to allocate lifespan data");
        return NXT_UNIT_ERROR;
    }

    for (i = 0; i < nxtpy_targets_count; i++) {
        lifespan = lifespan_new(loop);

        if (lifespan == NULL) {
            nxt_unit_alert(NULL, "Python failed to create lifespan object");
            nxtpy_print_exception();

            return NXT_UNIT_ERROR;
        }

        loop->lifespans[i] = (PyObject *) lifespan;

        if (start_target(loop, lifespan, &nxtpy_targets[i]) != NXT_UNIT_OK) {
            return NXT_UNIT_ERROR;
        }
    }

    return NXT_UNIT_OK;
}


int
nxtpy_asgi_lifespan_shutdown(nxtpy_loop_t *loop)
{
    int       rc;
    uint32_t  i;

    rc = NXT_UNIT_OK;

    for (i = 0; i < nxtpy_targets_count; i++) {
        if (shutdown_target(loop, (lifespan_t *) loop->lifespans[i])
            != NXT_UNIT_OK)
        {
            rc = NXT_UNIT_ERROR;
        }
    }

    return rc;
}


void
nxtpy_asgi_lifespan_free(nxtpy_loop_t *loop)
{
    uint32_t    i;
    lifespan_t  *lifespan;

    if (loop->lifespans == NULL) {
        return;
    }

    for (i = 0; i < nxtpy_targets_count; i++) {
        lifespan = (lifespan_t *) loop->lifespans[i];

        if (lifespan != NULL) {
            Py_CLEAR(lifespan->task);
            Py_DECREF((PyObject *) lifespan);
        }
    }

    free(loop->lifespans);

    loop->lifespans = NULL;
}


/* A shallow copy: connections share the objects, not the dict. */
PyObject *
nxtpy_asgi_lifespan_state(nxtpy_loop_t *loop, uint32_t target)
{
    return PyDict_Copy(((lifespan_t *) loop->lifespans[target])->state);
}


static lifespan_t *
lifespan_new(nxtpy_loop_t *loop)
{
    lifespan_t  *lifespan;

    lifespan = (lifespan_t *) lifespan_type.tp_alloc(&lifespan_type, 0);

    if (lifespan != NULL) {
        lifespan->loop = loop;
        lifespan->state = PyDict_New();

        if (lifespan->state == NULL) {
            Py_CLEAR(lifespan);
        }
    }

    return lifespan;
}


static int
start_target(nxtpy_loop_t *loop, lifespan_t *lifespan, nxtpy_target_t *target)
{
    int  rc;

    lifespan->startup = nxtpy_future_new(loop);

    if (lifespan->startup != NULL) {
        lifespan->task = start_task(loop, lifespan, target);
    }

    if (lifespan->task == NULL) {
        /* A legacy application refuses the scope in its first call. */
        if (lifespan->startup != NULL && target->legacy) {
            nxt_unit_log(NULL, NXT_UNIT_LOG_INFO,
                         "ASGI Lifespan processing exception");
            nxtpy_print_exception();

            lifespan->disabled = true;

            return NXT_UNIT_OK;
        }

        nxt_unit_error(NULL, "Python failed to call the application");
        nxtpy_print_exception();

        return NXT_UNIT_ERROR;
    }

    rc = run_until(loop, lifespan->startup);

    Py_CLEAR(lifespan->startup);

    if (rc != NXT_UNIT_OK || lifespan->startup_failed) {
        return NXT_UNIT_ERROR;
    }

    return NXT_UNIT_OK;
}


static PyObject *
start_task(nxtpy_loop_t *loop, lifespan_t *lifespan, nxtpy_target_t *target)
{
    PyObject  *scope, *receive, *send, *coroutine, *task, *none;

    coroutine = NULL;
    task = NULL;

    scope = nxtpy_asgi_lifespan_scope(lifespan->state);
    receive = PyCFunction_New(&receive_def, (PyObject *) lifespan);
    send = PyCFunction_New(&send_def, (PyObject *) lifespan);

    if (scope != NULL && receive != NULL && send != NULL) {
        coroutine = nxtpy_asgi_call(target, scope, receive, send);
    }

    Py_XDECREF(scope);
    Py_XDECREF(receive);
    Py_XDECREF(send);

    if (coroutine != NULL) {
        task = PyObject_CallOneArg(loop->create_task, coroutine);
        Py_DECREF(coroutine);
    }

    if (task != NULL) {
        none = PyObject_CallMethodOneArg(task, nxtpy_str_add_done_callback,
                                         (PyObject *) lifespan);
        if (none == NULL) {
            Py_CLEAR(task);
        }

        Py_XDECREF(none);
    }

    return task;
}


static int
shutdown_target(nxtpy_loop_t *loop, lifespan_t *lifespan)
{
    int       rc;
    PyObject  *waiter;

    if (lifespan == NULL
        || lifespan->disabled
        || lifespan->task == NULL
        || lifespan->shutdown_sent)
    {
        return NXT_UNIT_OK;
    }

    lifespan->shutdown = nxtpy_future_new(loop);

    if (lifespan->shutdown == NULL) {
        nxt_unit_alert(NULL, "Python failed to create Future object");
        nxtpy_print_exception();

        return NXT_UNIT_ERROR;
    }

    lifespan->shutdown_called = true;

    waiter = lifespan->waiter;

    if (waiter != NULL) {
        lifespan->waiter = NULL;
        lifespan->shutdown_received = true;

        nxtpy_future_settle(waiter,
                            nxtpy_message_new(nxtpy_str_lifespan_shutdown));
    }

    rc = run_until(loop, lifespan->shutdown);

    Py_CLEAR(lifespan->shutdown);

    return rc;
}


static int
run_until(nxtpy_loop_t *loop, PyObject *future)
{
    PyObject  *result;

    result = PyObject_CallOneArg(loop->run_until_complete, future);

    if (result == NULL) {
        nxt_unit_alert(NULL, "Python failed to call loop.run_until_complete");
        nxtpy_print_exception();

        return NXT_UNIT_ERROR;
    }

    Py_DECREF(result);

    return NXT_UNIT_OK;
}


static PyObject *
lifespan_receive(PyObject *self, PyObject *none NXTPY_UNUSED)
{
    lifespan_t  *lifespan;

    lifespan = (lifespan_t *) self;

    if (!lifespan->startup_received) {
        lifespan->startup_received = true;

        return nxtpy_future_ready(lifespan->loop,
                              nxtpy_message_new(nxtpy_str_lifespan_startup));
    }

    if (lifespan->shutdown_called && !lifespan->shutdown_received) {
        lifespan->shutdown_received = true;

        return nxtpy_future_ready(lifespan->loop,
                              nxtpy_message_new(nxtpy_str_lifespan_shutdown));
    }

    /* Who asks again waits for the same event. */
    if (lifespan->waiter == NULL || nxtpy_future_is_done(lifespan->waiter)) {
        Py_XSETREF(lifespan->waiter, nxtpy_future_new(lifespan->loop));
    }

    return Py_XNewRef(lifespan->waiter);
}


static PyObject *
lifespan_send(PyObject *self, PyObject *message)
{
    PyObject    *type;
    lifespan_t  *lifespan;

    lifespan = (lifespan_t *) self;

    type = nxtpy_message_type(message);
    if (type == NULL) {
        return NULL;
    }

    if (nxtpy_message_is(type, nxtpy_str_startup_complete)) {
        return send_startup(lifespan, message, false);
    }

    if (nxtpy_message_is(type, nxtpy_str_startup_failed)) {
        return send_startup(lifespan, message, true);
    }

    if (nxtpy_message_is(type, nxtpy_str_shutdown_complete)) {
        return send_shutdown(lifespan, message, false);
    }

    if (nxtpy_message_is(type, nxtpy_str_shutdown_failed)) {
        return send_shutdown(lifespan, message, true);
    }

    return invalid_transition(lifespan);
}


static PyObject *
send_startup(lifespan_t *lifespan, PyObject *message, bool failed)
{
    if (lifespan->startup_sent) {
        return invalid_transition(lifespan);
    }

    lifespan->startup_sent = true;
    lifespan->startup_failed = failed;

    if (failed) {
        log_failure(message, "Application startup failed");
    }

    if (lifespan->startup != NULL) {
        nxtpy_future_resolve(lifespan->startup, Py_None);
    }

    return nxtpy_awaitable_completed();
}


static PyObject *
send_shutdown(lifespan_t *lifespan, PyObject *message, bool failed)
{
    if (lifespan->shutdown_sent) {
        return invalid_transition(lifespan);
    }

    lifespan->shutdown_sent = true;

    if (failed) {
        log_failure(message, "Application shutdown failed");
    }

    if (lifespan->shutdown != NULL) {
        nxtpy_future_resolve(lifespan->shutdown, Py_None);
    }

    return nxtpy_awaitable_completed();
}


static void
log_failure(PyObject *message, const char *what)
{
    PyObject    *text;
    const char  *utf8;

    nxt_unit_error(NULL, "%s", what);

    text = PyDict_GetItemWithError(message, nxtpy_str_message);

    if (text != NULL && PyUnicode_Check(text)) {
        utf8 = PyUnicode_AsUTF8(text);

        if (utf8 != NULL) {
            nxt_unit_error(NULL, "%s", utf8);
        }
    }

    PyErr_Clear();
}


static PyObject *
invalid_transition(lifespan_t *lifespan)
{
    nxt_unit_warn(NULL, "Got invalid state transition on lifespan protocol");

    lifespan->disabled = true;

    return PyErr_Format(PyExc_AssertionError, "Got invalid state transition on "
                        "lifespan protocol");
}


/* The task has ended: nobody will answer what is still awaited. */
static PyObject *
lifespan_call(PyObject *self, PyObject *args, PyObject *kwds NXTPY_UNUSED)
{
    PyObject    *task, *result;
    lifespan_t  *lifespan;

    lifespan = (lifespan_t *) self;

    if (PyTuple_GET_SIZE(args) != 1) {
        return PyErr_Format(PyExc_TypeError, "not for the application to call");
    }

    task = PyTuple_GET_ITEM(args, 0);

    result = PyObject_CallMethodNoArgs(task, nxtpy_str_result);

    if (result == NULL) {
        nxt_unit_log(NULL, NXT_UNIT_LOG_INFO,
                     "ASGI Lifespan processing exception");
        nxtpy_print_exception();
    }

    Py_XDECREF(result);

    lifespan->disabled = true;

    if (lifespan->startup != NULL) {
        nxtpy_future_resolve(lifespan->startup, Py_None);
    }

    if (lifespan->shutdown != NULL) {
        nxtpy_future_resolve(lifespan->shutdown, Py_None);
    }

    Py_RETURN_NONE;
}


static void
lifespan_dealloc(PyObject *self)
{
    lifespan_t  *lifespan;

    lifespan = (lifespan_t *) self;

    Py_CLEAR(lifespan->state);
    Py_CLEAR(lifespan->task);
    Py_CLEAR(lifespan->startup);
    Py_CLEAR(lifespan->shutdown);
    Py_CLEAR(lifespan->waiter);

    Py_TYPE(self)->tp_free(self);
}
