/*
 * wsgi_response.c: start_response(), write(), and the way of the body to the
 * router.
 */

#include "wsgi.h"


/* Copying less than this is cheaper than giving up the GIL for it. */
#define COPY_WITH_GIL  65536


static PyObject *start_response(PyObject *self, PyObject *const *args,
    Py_ssize_t nargs, PyObject *kwnames);
static int begin(nxtpy_wsgi_request_t *request, PyObject *status,
    PyObject *headers);
static int parse_status(PyObject *status, long *code);
static int collect_headers(nxtpy_fields_t *fields, PyObject *headers);
static const char *text_of(PyObject *object, size_t *length);
static int raise_exc_info(PyObject *exc_info);
static PyObject *write_body(PyObject *self, PyObject *bytes);
static int transmit(nxtpy_wsgi_request_t *request, const char *start,
    size_t length);


PyMethodDef  nxtpy_wsgi_start_response_def = {
    "start_response", NXTPY_METHOD(start_response),
    METH_FASTCALL | METH_KEYWORDS,
    "start_response(status, headers, exc_info=None) -> write"
};

PyMethodDef  nxtpy_wsgi_write_def = {
    "write", write_body, METH_O, "write(data): sends a part of the body"
};


static PyObject *
start_response(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
    PyObject *kwnames)
{
    PyObject              *exc_info;
    Py_ssize_t            nkeywords;
    nxtpy_wsgi_request_t  *request;

    request = (nxtpy_wsgi_request_t *) self;

    if (nxtpy_wsgi_check(request, "start_response") != 0) {
        return NULL;
    }

    nkeywords = (kwnames != NULL) ? PyTuple_GET_SIZE(kwnames) : 0;

    /* PEP 3333 passes all by position; exc_info is often seen by name. */
    if (nargs < 2
        || nargs + nkeywords > 3
        || (nkeywords == 1
            && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0),
                                                "exc_info") != 0))
    {
        return PyErr_Format(PyExc_TypeError, "invalid number of arguments");
    }

    exc_info = (nargs + nkeywords == 3) ? args[2] : Py_None;

    /* Too late for an error page: the error goes on to the gateway. */
    if (nxt_unit_response_is_sent(request->req)) {
        if (exc_info != Py_None && raise_exc_info(exc_info) != 0) {
            return NULL;
        }

        return PyErr_Format(PyExc_RuntimeError,
                            "start_response() is called after the response "
                            "headers were sent");
    }

    if (begin(request, args[0], args[1]) != 0) {
        return NULL;
    }

    return Py_NewRef(request->write);
}


static int
begin(nxtpy_wsgi_request_t *request, PyObject *status, PyObject *headers)
{
    int             rc;
    long            code;
    nxtpy_fields_t  fields;

    if (parse_status(status, &code) != 0) {
        return -1;
    }

    nxtpy_fields_init(&fields);
    fields.lenient = request->req;

    rc = collect_headers(&fields, headers);

    if (rc == 0) {
        rc = nxtpy_response_init(request->req, code, &fields);
    }

    if (rc == 0) {
        request->content_length = fields.content_length;
    }

    nxtpy_fields_free(&fields);

    return rc;
}


/* "404 Not Found": the code is used, the router knows the reasons. */
static int
parse_status(PyObject *status, long *code)
{
    size_t      i, length;
    const char  *text;

    text = text_of(status, &length);

    if (text == NULL) {
        PyErr_SetString(PyExc_TypeError, "the status is not a string of "
                        "Latin-1 characters");
        return -1;
    }

    *code = 0;

    for (i = 0; i < length && i < 4 && text[i] >= '0' && text[i] <= '9'; i++) {
        *code = *code * 10 + (text[i] - '0');
    }

    if (i != 3 || (i < length && text[i] != ' ')) {
        PyErr_Format(PyExc_ValueError, "failed to parse status code: %R",
                     status);
        return -1;
    }

    return 0;
}


static int
collect_headers(nxtpy_fields_t *fields, PyObject *headers)
{
    size_t      name_length, value_length;
    PyObject    *pair;
    Py_ssize_t  i;
    const char  *name, *value;

    if (!PyList_Check(headers)) {
        PyErr_SetString(PyExc_TypeError, "the second argument is not a "
                        "response headers list");
        return -1;
    }

    for (i = 0; i < PyList_GET_SIZE(headers); i++) {
        pair = PyList_GET_ITEM(headers, i);

        if (!PyTuple_Check(pair)) {
            PyErr_SetString(PyExc_TypeError, "the response headers must be a "
                            "list of tuples");
            return -1;
        }

        if (PyTuple_GET_SIZE(pair) != 2) {
            PyErr_SetString(PyExc_TypeError, "each header must be a tuple of "
                            "two items");
            return -1;
        }

        name = text_of(PyTuple_GET_ITEM(pair, 0), &name_length);

        if (name == NULL) {
            PyErr_Format(PyExc_TypeError, "header #%zd name is not a string "
                         "of Latin-1 characters", i);
            return -1;
        }

        value = text_of(PyTuple_GET_ITEM(pair, 1), &value_length);

        if (value == NULL) {
            PyErr_Format(PyExc_TypeError, "header #%zd value is not a string "
                         "of Latin-1 characters", i);
            return -1;
        }

        if (nxtpy_fields_add(fields, name, name_length, value, value_length)
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


/* str as PEP 3333 has it, or bytes; NULL for anything else. */
static const char *
text_of(PyObject *object, size_t *length)
{
    if (PyUnicode_Check(object)) {
        return nxtpy_latin1(object, length);
    }

    if (PyBytes_Check(object)) {
        *length = (size_t) PyBytes_GET_SIZE(object);

        return PyBytes_AS_STRING(object);
    }

    return NULL;
}


/* 0 if exc_info is not what sys.exc_info() returns. */
static int
raise_exc_info(PyObject *exc_info)
{
    PyObject  *value, *traceback;

    if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3) {
        return 0;
    }

    value = PyTuple_GET_ITEM(exc_info, 1);
    traceback = PyTuple_GET_ITEM(exc_info, 2);

    if (!PyExceptionInstance_Check(value)) {
        return 0;
    }

    if (PyTraceBack_Check(traceback)) {
        (void) PyException_SetTraceback(value, traceback);
    }

    PyErr_SetObject((PyObject *) Py_TYPE(value), value);

    return -1;
}


static PyObject *
write_body(PyObject *self, PyObject *bytes)
{
    nxtpy_wsgi_request_t  *request;

    request = (nxtpy_wsgi_request_t *) self;

    if (nxtpy_wsgi_check(request, "write") != 0) {
        return NULL;
    }

    if (!PyBytes_Check(bytes)) {
        return PyErr_Format(PyExc_TypeError, "the argument is not a bytestring");
    }

    if (nxtpy_wsgi_send(request, bytes, false) != NXT_UNIT_OK) {
        return PyErr_Format(PyExc_RuntimeError,
                            "failed to write response value");
    }

    Py_RETURN_NONE;
}


/*
 * Sends a part of the body.  If the request is done right after it, the part
 * may wait in the buffer of the headers for nxt_unit_request_done().
 */
int
nxtpy_wsgi_send(nxtpy_wsgi_request_t *request, PyObject *bytes, bool last)
{
    size_t      length;
    const char  *start;

    start = PyBytes_AS_STRING(bytes);
    length = (size_t) PyBytes_GET_SIZE(bytes);

    if (length == 0) {
        return NXT_UNIT_OK;
    }

    if (length > request->content_length - request->bytes_sent) {
        nxt_unit_req_error(request->req, "content length %"PRIu64" exceeded",
                           request->content_length);
        return NXT_UNIT_ERROR;
    }

    if (!nxt_unit_response_is_init(request->req)) {
        nxt_unit_req_error(request->req, "the application sent a response "
                           "body before it called start_response()");
        return NXT_UNIT_ERROR;
    }

    request->bytes_sent += length;

    if (request->head) {
        return NXT_UNIT_OK;
    }

    if (last && nxtpy_response_append(request->req, start, length)) {
        return NXT_UNIT_OK;
    }

    return transmit(request, start, length);
}


static int
transmit(nxtpy_wsgi_request_t *request, const char *start, size_t length)
{
    int            rc;
    ssize_t        sent;
    PyThreadState  *state;

    if (length < COPY_WITH_GIL) {
        sent = nxt_unit_response_write_nb(request->req, start, length, 0);

        if (sent < 0) {
            return (int) -sent;
        }

        start += sent;
        length -= (size_t) sent;

        if (length == 0) {
            return NXT_UNIT_OK;
        }
    }

    /* A lot to copy, or no shared memory left until the client reads on. */
    request->busy = true;
    state = PyEval_SaveThread();

    rc = nxt_unit_response_write(request->req, start, length);

    PyEval_RestoreThread(state);
    request->busy = false;

    return rc;
}
