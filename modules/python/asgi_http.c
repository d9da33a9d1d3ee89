/*
 * asgi_http.c: the "http" connection of ASGI: request body in, response out.
 *
 * The request ends with the last part of the response body, not with the
 * task: what an application does after that keeps no client waiting.
 */

#include "asgi.h"


/*
 * The most that one http.request message carries.  So much that applications
 * that look at one message only, as they should not, mostly see all of it.
 */
#define BODY_PART_MAX  (32 * 1024 * 1024)


typedef struct {
    nxtpy_exchange_t  exchange;

    uint64_t          content_length;   /* declared, or NXTPY_NO_LENGTH */
    uint64_t          bytes_sent;
    bool              head;
    bool              received;         /* one http.request was delivered */
    bool              complete;         /* the response is */
    bool              disconnected;
} http_t;


static PyObject *http_receive(PyObject *self, PyObject *none);
static bool body_expected(http_t *http);
static PyObject *request_message(http_t *http);
static PyObject *disconnect_message(nxtpy_exchange_t *exchange);
static PyObject *http_send(PyObject *self, PyObject *message);
static PyObject *send_start(http_t *http, PyObject *message);
static PyObject *send_body(http_t *http, PyObject *message);
static int get_body(PyObject *message, Py_buffer *body);
static PyObject *write_part(http_t *http, Py_buffer *body, bool more);
static void http_complete(http_t *http);
static void http_ended(nxtpy_exchange_t *exchange, int rc);
static void http_dealloc(PyObject *self);


static PyMethodDef  receive_def = {
    "receive", http_receive, METH_NOARGS, "awaits the next ASGI message"
};

static PyMethodDef  send_def = {
    "send", http_send, METH_O, "sends an ASGI message"
};

static PyTypeObject  http_type = {
    PyVarObject_HEAD_INIT(NULL, 0)

    .tp_name      = "unit._asgi_http",
    .tp_doc       = "An ASGI HTTP connection.",
    .tp_basicsize = sizeof(http_t),
    .tp_flags     = Py_TPFLAGS_DEFAULT,
    .tp_dealloc   = http_dealloc,
    .tp_call      = nxtpy_exchange_call,
};

/* {"type": "http.request", "body": b"", "more_body": False} */
static PyObject  *request_template;


int
nxtpy_asgi_http_init(void)
{
    int       rc;
    PyObject  *empty;

    if (PyType_Ready(&http_type) != 0) {
        return -1;
    }

    request_template = nxtpy_message_new(nxtpy_str_http_request);
    empty = PyBytes_FromStringAndSize(NULL, 0);

    rc = -1;

    if (request_template != NULL
        && empty != NULL
        && PyDict_SetItem(request_template, nxtpy_str_body, empty) == 0)
    {
        rc = PyDict_SetItem(request_template, nxtpy_str_more_body, Py_False);
    }

    Py_XDECREF(empty);

    return rc;
}


void
nxtpy_asgi_http_start(nxt_unit_request_info_t *req)
{
    http_t            *http;
    nxtpy_exchange_t  *exchange;

    exchange = nxtpy_exchange_new(&http_type, req);
    if (exchange == NULL) {
        return;
    }

    exchange->ended = http_ended;

    http = (http_t *) exchange;
    http->content_length = NXTPY_NO_LENGTH;
    http->head = nxtpy_request_is_head(req);

    (void) nxtpy_exchange_run(exchange, &receive_def, &send_def);

    Py_DECREF((PyObject *) exchange);
}


/* More of the request body has come. */
void
nxtpy_asgi_http_data(nxt_unit_request_info_t *req)
{
    http_t    *http;
    PyObject  *future;

    http = req->data;

    if (http == NULL
        || req->request->websocket_handshake
        || nxtpy_body_available(req) == 0)
    {
        return;
    }

    future = nxtpy_exchange_take_waiter(&http->exchange);
    if (future == NULL) {
        return;
    }

    nxtpy_future_settle(future, request_message(http));
}


void
nxtpy_asgi_http_closed(nxt_unit_request_info_t *req)
{
    http_t            *http;
    nxtpy_exchange_t  *exchange;

    http = req->data;

    if (http == NULL) {
        return;
    }

    exchange = &http->exchange;

    Py_INCREF((PyObject *) exchange);

    http->disconnected = true;

    nxtpy_exchange_drop_sends(exchange);
    nxtpy_exchange_wake_all(exchange, disconnect_message);

    if (exchange->finishing) {
        nxtpy_exchange_finish(exchange, NXT_UNIT_ERROR);
    }

    Py_DECREF((PyObject *) exchange);
}


static PyObject *
http_receive(PyObject *self, PyObject *none NXTPY_UNUSED)
{
    http_t            *http;
    PyObject          *message;
    nxtpy_exchange_t  *exchange;

    http = (http_t *) self;
    exchange = &http->exchange;

    if (exchange->req == NULL || http->complete || http->disconnected) {
        message = disconnect_message(exchange);

    } else if (body_expected(http)) {
        message = request_message(http);

    } else {
        return nxtpy_exchange_wait(exchange);
    }

    return nxtpy_future_ready(exchange->loop, message);
}


/* True if there is something to deliver now, be it the empty body. */
static bool
body_expected(http_t *http)
{
    nxt_unit_request_info_t  *req;

    req = http->exchange.req;

    if (req->content_length == 0) {
        return !http->received;
    }

    return nxtpy_body_available(req) != 0;
}


static PyObject *
request_message(http_t *http)
{
    PyObject                 *message, *body;
    nxt_unit_request_info_t  *req;

    req = http->exchange.req;

    message = PyDict_Copy(request_template);
    if (message == NULL) {
        return NULL;
    }

    http->received = true;

    if (req->content_length == 0) {
        return message;
    }

    body = nxtpy_body_read_bytes(req, BODY_PART_MAX);

    if (body == NULL
        || PyDict_SetItem(message, nxtpy_str_body, body) != 0
        || (req->content_length > 0
            && PyDict_SetItem(message, nxtpy_str_more_body, Py_True) != 0))
    {
        Py_CLEAR(message);
    }

    Py_XDECREF(body);

    return message;
}


static PyObject *
disconnect_message(nxtpy_exchange_t *exchange NXTPY_UNUSED)
{
    return nxtpy_message_new(nxtpy_str_http_disconnect);
}


static PyObject *
http_send(PyObject *self, PyObject *message)
{
    http_t    *http;
    PyObject  *type;

    http = (http_t *) self;

    type = nxtpy_message_type(message);
    if (type == NULL) {
        return NULL;
    }

    if (http->complete) {
        return PyErr_Format(PyExc_RuntimeError, "Unexpected ASGI message '%U' "
                            "sent, after response already completed", type);
    }

    if (http->disconnected || http->exchange.req == NULL) {
        return nxtpy_awaitable_pause();
    }

    if (!nxt_unit_response_is_init(http->exchange.req)) {
        if (nxtpy_message_is(type, nxtpy_str_http_response_start)) {
            return send_start(http, message);
        }

        return PyErr_Format(PyExc_RuntimeError, "Expected ASGI message "
                            "'http.response.start', but got '%U'", type);
    }

    if (nxtpy_message_is(type, nxtpy_str_http_response_body)) {
        return send_body(http, message);
    }

    return PyErr_Format(PyExc_RuntimeError, "Expected ASGI message "
                        "'http.response.body', but got '%U'", type);
}


/* The headers leave together with the first part of the body. */
static PyObject *
send_start(http_t *http, PyObject *message)
{
    int             rc;
    long            code;
    PyObject        *status, *keep;
    nxtpy_fields_t  fields;

    status = PyDict_GetItemWithError(message, nxtpy_str_status);

    if (status == NULL || !PyLong_Check(status)) {
        return PyErr_Format(PyExc_TypeError, "'status' is not an integer");
    }

    code = PyLong_AsLong(status);

    if (code == -1 && PyErr_Occurred()) {
        return NULL;
    }

    nxtpy_fields_init(&fields);

    rc = nxtpy_message_headers(message, &fields, &keep);

    if (rc == 0) {
        rc = nxtpy_response_init(http->exchange.req, code, &fields);
    }

    http->content_length = fields.content_length;

    nxtpy_fields_free(&fields);
    Py_XDECREF(keep);

    return (rc == 0) ? nxtpy_awaitable_completed() : NULL;
}


static PyObject *
send_body(http_t *http, PyObject *message)
{
    bool       more;
    PyObject   *more_body, *awaitable;
    Py_buffer  body;

    more_body = PyDict_GetItemWithError(message, nxtpy_str_more_body);

    if (more_body != NULL && !PyBool_Check(more_body)) {
        return PyErr_Format(PyExc_TypeError, "'more_body' is not a bool");
    }

    more = (more_body == Py_True);

    if (get_body(message, &body) != 0) {
        return NULL;
    }

    if ((uint64_t) body.len > http->content_length - http->bytes_sent) {
        PyBuffer_Release(&body);

        return PyErr_Format(PyExc_RuntimeError,
                            "Response content longer than Content-Length");
    }

    awaitable = write_part(http, &body, more);

    if (awaitable != NULL && !more) {
        http_complete(http);
    }

    return awaitable;
}


static int
get_body(PyObject *message, Py_buffer *body)
{
    PyObject  *object;

    object = PyDict_GetItemWithError(message, nxtpy_str_body);

    if (object == NULL) {
        return PyBuffer_FillInfo(body, NULL, (void *) "", 0, 1, PyBUF_SIMPLE);
    }

    if (!PyBytes_Check(object)
        && !PyByteArray_Check(object)
        && !PyMemoryView_Check(object))
    {
        PyErr_SetString(PyExc_TypeError,
                        "'body' is not a byte string or bytearray");
        return -1;
    }

    return PyObject_GetBuffer(object, body, PyBUF_SIMPLE);
}


static PyObject *
write_part(http_t *http, Py_buffer *body, bool more)
{
    nxt_unit_request_info_t  *req;

    req = http->exchange.req;

    http->bytes_sent += (uint64_t) body->len;

    if (body->len == 0 || http->head) {
        PyBuffer_Release(body);

        /* A part without data still lets the client see the headers. */
        if (more
            && !nxt_unit_response_is_sent(req)
            && nxt_unit_response_send(req) != NXT_UNIT_OK)
        {
            return PyErr_Format(PyExc_RuntimeError, "failed to send response");
        }

        return nxtpy_awaitable_completed();
    }

    if (!more && nxtpy_response_append(req, body->buf, (size_t) body->len)) {
        PyBuffer_Release(body);

        return nxtpy_awaitable_completed();
    }

    return nxtpy_exchange_write(&http->exchange, body);
}


static void
http_complete(http_t *http)
{
    http->complete = true;

    nxtpy_exchange_wake_all(&http->exchange, disconnect_message);

    nxtpy_exchange_finish(&http->exchange, NXT_UNIT_OK);
}


static void
http_ended(nxtpy_exchange_t *exchange, int rc)
{
    http_t  *http;

    http = (http_t *) exchange;

    /* A complete response may still be on its way to a slow client. */
    if (http->complete && exchange->finishing) {
        return;
    }

    nxtpy_exchange_finish(exchange, rc);
}


static void
http_dealloc(PyObject *self)
{
    nxtpy_exchange_clear((nxtpy_exchange_t *) self);

    Py_TYPE(self)->tp_free(self);
}
