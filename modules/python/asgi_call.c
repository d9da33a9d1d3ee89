/*
 * asgi_call.c: calls the application, in the way of its ASGI version.
 */

#include "asgi.h"


/* The coroutine to run as a task; NULL with an exception. */
PyObject *
nxtpy_asgi_call(nxtpy_target_t *target, PyObject *scope, PyObject *receive,
    PyObject *send)
{
    PyObject  *instance, *coroutine;
    PyObject  *args[3];

    args[0] = scope;
    args[1] = receive;
    args[2] = send;

    if (!target->legacy) {
        coroutine = PyObject_Vectorcall(target->application, args, 3, NULL);

    } else {
        instance = PyObject_CallOneArg(target->application, scope);
        if (instance == NULL) {
            return NULL;
        }

        if (!PyCallable_Check(instance)) {
            Py_DECREF(instance);

            return PyErr_Format(PyExc_TypeError, "Legacy ASGI application "
                                "returns not a callable");
        }

        coroutine = PyObject_Vectorcall(instance, args + 1, 2, NULL);

        Py_DECREF(instance);
    }

    /* loop.create_task() knows what else is as good as a coroutine. */
    if (coroutine == Py_None) {
        Py_DECREF(coroutine);

        return PyErr_Format(PyExc_TypeError,
                            "Application result type is not a coroutine");
    }

    return coroutine;
}
