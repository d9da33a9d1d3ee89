/*
 * wsgi_request.c: the object that stands for a request towards the
 * application.
 */

#include "wsgi.h"


static void request_dealloc(PyObject *self);


static PyTypeObject  request_type = {
    PyVarObject_HEAD_INIT(NULL, 0)

    .tp_name      = "unit._input",
    .tp_doc       = "The body of the current request.",
    .tp_basicsize = sizeof(nxtpy_wsgi_request_t),
    .tp_flags     = Py_TPFLAGS_DEFAULT,
    .tp_dealloc   = request_dealloc,
    .tp_iter      = PyObject_SelfIter,
    .tp_iternext  = nxtpy_wsgi_input_next,
    .tp_methods   = nxtpy_wsgi_input_methods,
};


int
nxtpy_wsgi_request_init(void)
{
    return PyType_Ready(&request_type);
}


nxtpy_wsgi_request_t *
nxtpy_wsgi_request_new(void)
{
    nxtpy_wsgi_request_t  *request;

    request = PyObject_New(nxtpy_wsgi_request_t, &request_type);
    if (request == NULL) {
        return NULL;
    }

    request->req = NULL;
    request->write = NULL;
    request->busy = false;

    request->start_response = PyCFunction_New(&nxtpy_wsgi_start_response_def,
                                              (PyObject *) request);
    if (request->start_response != NULL) {
        request->write = PyCFunction_New(&nxtpy_wsgi_write_def,
                                         (PyObject *) request);
    }

    if (request->write == NULL) {
        nxtpy_wsgi_request_free(request);
        return NULL;
    }

    return request;
}


/*
 * True if nobody but the gateway holds the request: the three references are
 * the caller's and those of the two methods.
 */
bool
nxtpy_wsgi_request_reusable(nxtpy_wsgi_request_t *request)
{
    return Py_REFCNT(request) == 3
           && Py_REFCNT(request->start_response) == 1
           && Py_REFCNT(request->write) == 1;
}


/* Parts with the request; what the application kept of it lives on, void. */
void
nxtpy_wsgi_request_free(nxtpy_wsgi_request_t *request)
{
    request->req = NULL;

    Py_CLEAR(request->start_response);
    Py_CLEAR(request->write);

    Py_DECREF((PyObject *) request);
}


/* -1 with an exception if the request cannot be worked on now. */
int
nxtpy_wsgi_check(nxtpy_wsgi_request_t *request, const char *what)
{
    if (request->req == NULL) {
        PyErr_Format(PyExc_RuntimeError, "%s() is called outside of WSGI "
                     "request processing", what);
        return -1;
    }

    if (request->busy) {
        PyErr_Format(PyExc_RuntimeError, "%s() is called while another thread "
                     "reads or writes the same request", what);
        return -1;
    }

    return 0;
}


static void
request_dealloc(PyObject *self)
{
    PyObject_Free(self);
}
