/*
 * wsgi_input.c: the file-like methods of `wsgi.input`.
 */

#include "wsgi.h"


static PyObject *input_read(PyObject *self, PyObject *const *args,
    Py_ssize_t nargs);
static PyObject *input_readline(PyObject *self, PyObject *const *args,
    Py_ssize_t nargs);
static PyObject *input_readlines(PyObject *self, PyObject *const *args,
    Py_ssize_t nargs);
static int size_argument(PyObject *const *args, Py_ssize_t nargs,
    Py_ssize_t *size);
static PyObject *read_line(nxtpy_wsgi_request_t *request, size_t limit);


PyMethodDef  nxtpy_wsgi_input_methods[] = {
    { "read", NXTPY_METHOD(input_read), METH_FASTCALL,
      "read(size=-1): up to size bytes, or all that is left" },
    { "readline", NXTPY_METHOD(input_readline), METH_FASTCALL,
      "readline(size=-1): one line, or its first size bytes" },
    { "readlines", NXTPY_METHOD(input_readlines), METH_FASTCALL,
      "readlines(hint=-1): the lines, until they hold hint bytes" },
    { NULL, NULL, 0, NULL },
};


static PyObject *
input_read(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    Py_ssize_t            size;
    nxtpy_wsgi_request_t  *request;

    request = (nxtpy_wsgi_request_t *) self;

    if (nxtpy_wsgi_check(request, "wsgi.input.read") != 0
        || size_argument(args, nargs, &size) != 0)
    {
        return NULL;
    }

    return nxtpy_body_read_bytes(request->req, (uint64_t) size);
}


static PyObject *
input_readline(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    Py_ssize_t            size;
    nxtpy_wsgi_request_t  *request;

    request = (nxtpy_wsgi_request_t *) self;

    if (nxtpy_wsgi_check(request, "wsgi.input.readline") != 0
        || size_argument(args, nargs, &size) != 0)
    {
        return NULL;
    }

    return read_line(request, (size_t) size);
}


static PyObject *
input_readlines(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    int                   rc;
    PyObject              *lines, *line;
    Py_ssize_t            hint, total, length;
    nxtpy_wsgi_request_t  *request;

    request = (nxtpy_wsgi_request_t *) self;

    if (nxtpy_wsgi_check(request, "wsgi.input.readlines") != 0
        || size_argument(args, nargs, &hint) != 0)
    {
        return NULL;
    }

    /* As in the io module, a hint of 0 means no limit, too. */
    if (hint == 0) {
        hint = PY_SSIZE_T_MAX;
    }

    lines = PyList_New(0);
    if (lines == NULL) {
        return NULL;
    }

    for (total = 0; total < hint; total += length) {
        line = read_line(request, PY_SSIZE_T_MAX);
        if (line == NULL) {
            goto fail;
        }

        length = PyBytes_GET_SIZE(line);

        rc = (length != 0) ? PyList_Append(lines, line) : 0;

        Py_DECREF(line);

        if (rc != 0) {
            goto fail;
        }

        if (length == 0) {
            break;
        }
    }

    return lines;

fail:

    Py_DECREF(lines);

    return NULL;
}


PyObject *
nxtpy_wsgi_input_next(PyObject *self)
{
    PyObject              *line;
    nxtpy_wsgi_request_t  *request;

    request = (nxtpy_wsgi_request_t *) self;

    if (nxtpy_wsgi_check(request, "wsgi.input.__next__") != 0) {
        return NULL;
    }

    line = read_line(request, PY_SSIZE_T_MAX);

    if (line != NULL && PyBytes_GET_SIZE(line) == 0) {
        Py_CLEAR(line);   /* NULL without an exception ends the iteration */
    }

    return line;
}


/* No argument, None, and any negative number mean no limit. */
static int
size_argument(PyObject *const *args, Py_ssize_t nargs, Py_ssize_t *size)
{
    *size = PY_SSIZE_T_MAX;

    if (nargs > 1) {
        PyErr_SetString(PyExc_TypeError, "invalid number of arguments");
        return -1;
    }

    if (nargs == 0 || args[0] == Py_None) {
        return 0;
    }

    *size = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);

    if (*size == -1 && PyErr_Occurred()) {
        return -1;
    }

    if (*size < 0) {
        *size = PY_SSIZE_T_MAX;
    }

    return 0;
}


static PyObject *
read_line(nxtpy_wsgi_request_t *request, size_t limit)
{
    ssize_t  length;

    /* It also brings that much of the body into memory. */
    length = (limit != 0)
             ? nxt_unit_request_readline_size(request->req, limit) : 0;

    if (length < 0) {
        return PyErr_Format(PyExc_OSError, "failed to read the request body");
    }

    return nxtpy_body_read_bytes(request->req, (uint64_t) length);
}
