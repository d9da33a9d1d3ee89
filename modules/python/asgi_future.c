/*
 * asgi_future.c: what receive() and send() return: asyncio futures, and two
 * small awaitables that need no future.
 */

#include "asgi.h"


typedef struct {
    PyObject_HEAD

    int  pauses;      /* how often control goes back to the event loop */
} awaitable_t;


static PyObject *awaitable_next(PyObject *self);
static void awaitable_dealloc(PyObject *self);


static PyAsyncMethods  awaitable_async = {
    .am_await = PyObject_SelfIter,
};

static PyTypeObject  awaitable_type = {
    PyVarObject_HEAD_INIT(NULL, 0)

    .tp_name      = "unit._awaitable",
    .tp_doc       = "The outcome of an ASGI send().",
    .tp_basicsize = sizeof(awaitable_t),
    .tp_flags     = Py_TPFLAGS_DEFAULT,
    .tp_dealloc   = awaitable_dealloc,
    .tp_as_async  = &awaitable_async,
    .tp_iter      = PyObject_SelfIter,
    .tp_iternext  = awaitable_next,
};

static PyObject  *completed;


PyObject *
nxtpy_future_new(nxtpy_loop_t *loop)
{
    if (loop->create_future == NULL) {
        return PyErr_Format(PyExc_RuntimeError, "the event loop is closed");
    }

    return PyObject_CallNoArgs(loop->create_future);
}


/* A future that has its result already; takes over result, which may be NULL. */
PyObject *
nxtpy_future_ready(nxtpy_loop_t *loop, PyObject *result)
{
    PyObject  *future, *none;

    if (result == NULL) {
        return NULL;
    }

    future = nxtpy_future_new(loop);

    if (future != NULL) {
        none = PyObject_CallMethodOneArg(future, nxtpy_str_set_result, result);

        if (none != NULL) {
            Py_DECREF(none);

        } else {
            Py_CLEAR(future);
        }
    }

    Py_DECREF(result);

    return future;
}


/* Also true for a future cancelled by whom waited for it. */
bool
nxtpy_future_is_done(PyObject *future)
{
    bool      done;
    PyObject  *result;

    result = PyObject_CallMethodNoArgs(future, nxtpy_str_done);

    if (result == NULL) {
        nxtpy_print_exception();
        return true;
    }

    done = (result != Py_False);

    Py_DECREF(result);

    return done;
}


void
nxtpy_future_resolve(PyObject *future, PyObject *value)
{
    PyObject  *result;

    if (nxtpy_future_is_done(future)) {
        return;
    }

    result = PyObject_CallMethodOneArg(future, nxtpy_str_set_result, value);

    if (result == NULL) {
        nxt_unit_alert(NULL, "Python failed to call 'future.set_result'");
        nxtpy_print_exception();
    }

    Py_XDECREF(result);
}


/* Moves the pending exception into the future. */
void
nxtpy_future_fail(PyObject *future)
{
    PyObject  *exc, *result;

#if PY_VERSION_HEX >= 0x030C0000

    exc = PyErr_GetRaisedException();

#else

    PyObject  *type, *traceback;

    PyErr_Fetch(&type, &exc, &traceback);
    PyErr_NormalizeException(&type, &exc, &traceback);

    if (exc != NULL && traceback != NULL) {
        (void) PyException_SetTraceback(exc, traceback);
    }

    Py_XDECREF(type);
    Py_XDECREF(traceback);

#endif

    if (exc != NULL && !nxtpy_future_is_done(future)) {
        result = PyObject_CallMethodOneArg(future, nxtpy_str_set_exception,
                                           exc);
        if (result == NULL) {
            nxt_unit_alert(NULL, "Python failed to call "
                           "'future.set_exception'");
            nxtpy_print_exception();
        }

        Py_XDECREF(result);
    }

    Py_XDECREF(exc);
}


/*
 * Resolves the future with a value that was just made, or, if making it left
 * NULL and an exception, moves that into it.  Consumes both references.
 */
void
nxtpy_future_settle(PyObject *future, PyObject *value)
{
    if (value != NULL) {
        nxtpy_future_resolve(future, value);
        Py_DECREF(value);

    } else {
        nxtpy_future_fail(future);
    }

    Py_DECREF(future);
}


int
nxtpy_awaitable_init(void)
{
    if (PyType_Ready(&awaitable_type) != 0) {
        return -1;
    }

    completed = (PyObject *) PyObject_New(awaitable_t, &awaitable_type);
    if (completed == NULL) {
        return -1;
    }

    ((awaitable_t *) completed)->pauses = 0;

    return 0;
}


/* Awaiting it takes no time: what was to be done is done. */
PyObject *
nxtpy_awaitable_completed(void)
{
    return Py_NewRef(completed);
}


/*
 * Awaiting it lets the event loop run once, as asyncio.sleep(0) does.  A send
 * that has no effect returns it, lest a task that only sends never yields.
 */
PyObject *
nxtpy_awaitable_pause(void)
{
    awaitable_t  *awaitable;

    awaitable = PyObject_New(awaitable_t, &awaitable_type);

    if (awaitable != NULL) {
        awaitable->pauses = 1;
    }

    return (PyObject *) awaitable;
}


static PyObject *
awaitable_next(PyObject *self)
{
    awaitable_t  *awaitable;

    awaitable = (awaitable_t *) self;

    if (awaitable->pauses > 0) {
        awaitable->pauses--;

        Py_RETURN_NONE;
    }

    return NULL;
}


static void
awaitable_dealloc(PyObject *self)
{
    PyObject_Free(self);
}
