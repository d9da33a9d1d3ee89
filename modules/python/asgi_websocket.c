/*
 * asgi_websocket.c: the "websocket" connection of ASGI, as far as the
 * application acts: connect, accept, send, close.
 */

#include "asgi_websocket.h"


static PyObject *websocket_receive(PyObject *self, PyObject *none);
static PyObject *websocket_send(PyObject *self, PyObject *message);
static PyObject *accept_connection(websocket_t *ws, PyObject *message);
static int add_subprotocol(PyObject *message, nxtpy_fields_t *fields);
static PyObject *close_connection(websocket_t *ws, PyObject *message);
static PyObject *refuse_connection(websocket_t *ws);
static PyObject *send_data(websocket_t *ws, PyObject *message);
static PyObject *wrong_state(websocket_t *ws);
static void websocket_ended(nxtpy_exchange_t *exchange, int rc);
static void websocket_dealloc(PyObject *self);


static PyMethodDef  receive_def = {
    "receive", websocket_receive, METH_NOARGS, "awaits the next ASGI message"
};

static PyMethodDef  send_def = {
    "send", websocket_send, METH_O, "sends an ASGI message"
};

static PyTypeObject  websocket_type = {
    PyVarObject_HEAD_INIT(NULL, 0)

    .tp_name      = "unit._asgi_websocket",
    .tp_doc       = "An ASGI WebSocket connection.",
    .tp_basicsize = sizeof(websocket_t),
    .tp_flags     = Py_TPFLAGS_DEFAULT,
    .tp_dealloc   = websocket_dealloc,
    .tp_call      = nxtpy_exchange_call,
};


int
nxtpy_asgi_websocket_init(void)
{
    return PyType_Ready(&websocket_type);
}


void
nxtpy_asgi_websocket_start(nxt_unit_request_info_t *req)
{
    websocket_t       *ws;
    nxtpy_exchange_t  *exchange;

    exchange = nxtpy_exchange_new(&websocket_type, req);
    if (exchange == NULL) {
        return;
    }

    exchange->ended = websocket_ended;

    ws = (websocket_t *) exchange;
    ws->state = WS_INIT;
    ws->code = NXT_WEBSOCKET_CR_GOING_AWAY;
    ws->inbox_end = &ws->inbox;

    (void) nxtpy_exchange_run(exchange, &receive_def, &send_def);

    Py_DECREF((PyObject *) exchange);
}


/* The connection is lost, or unitd ends the process. */
void
nxtpy_asgi_websocket_closed(nxt_unit_request_info_t *req)
{
    websocket_t       *ws;
    nxtpy_exchange_t  *exchange;

    ws = req->data;

    if (ws == NULL) {
        return;
    }

    exchange = &ws->exchange;

    Py_INCREF((PyObject *) exchange);

    /* There is nobody to answer any more. */
    ws->close_received = false;

    nxtpy_exchange_drop_sends(exchange);

    if (ws->state < WS_DISCONNECTED) {
        nxtpy_websocket_disconnect(ws, WS_DISCONNECTED,
                                   NXT_WEBSOCKET_CR_GOING_AWAY);
    }

    if (exchange->finishing) {
        nxtpy_exchange_finish(exchange, NXT_UNIT_ERROR);
    }

    Py_DECREF((PyObject *) exchange);
}


static PyObject *
websocket_receive(PyObject *self, PyObject *none NXTPY_UNUSED)
{
    PyObject          *message;
    websocket_t       *ws;
    nxtpy_exchange_t  *exchange;

    ws = (websocket_t *) self;
    exchange = &ws->exchange;

    if (ws->state == WS_INIT) {
        ws->state = WS_CONNECT;

        message = nxtpy_message_new(nxtpy_str_websocket_connect);

        return nxtpy_future_ready(exchange->loop, message);
    }

    message = nxtpy_websocket_next_message(ws);

    if (message == NULL) {
        if (ws->state < WS_DISCONNECTED && exchange->req != NULL) {
            return nxtpy_exchange_wait(exchange);
        }

        message = nxtpy_websocket_disconnect_message(exchange);
    }

    return nxtpy_future_ready(exchange->loop, message);
}


static PyObject *
websocket_send(PyObject *self, PyObject *message)
{
    PyObject     *type;
    websocket_t  *ws;

    ws = (websocket_t *) self;

    type = nxtpy_message_type(message);
    if (type == NULL) {
        return NULL;
    }

    if (ws->exchange.req == NULL && ws->state < WS_DISCONNECTED) {
        ws->state = WS_DISCONNECTED;
    }

    if (nxtpy_message_is(type, nxtpy_str_websocket_send)) {
        return send_data(ws, message);
    }

    if (nxtpy_message_is(type, nxtpy_str_websocket_accept)) {
        return accept_connection(ws, message);
    }

    if (nxtpy_message_is(type, nxtpy_str_websocket_close)) {
        return close_connection(ws, message);
    }

    return PyErr_Format(PyExc_RuntimeError, "unexpected 'type': '%U'", type);
}


static PyObject *
accept_connection(websocket_t *ws, PyObject *message)
{
    int                      rc;
    PyObject                 *keep;
    nxtpy_fields_t           fields;
    nxt_unit_request_info_t  *req;

    if (ws->state != WS_CONNECT) {
        return wrong_state(ws);
    }

    req = ws->exchange.req;

    nxtpy_fields_init(&fields);

    rc = nxtpy_message_headers(message, &fields, &keep);

    if (rc == 0) {
        rc = add_subprotocol(message, &fields);
    }

    if (rc == 0) {
        rc = nxtpy_response_init(req, 101, &fields);
    }

    nxtpy_fields_free(&fields);
    Py_XDECREF(keep);

    if (rc != 0) {
        return NULL;
    }

    if (nxt_unit_response_send(req) != NXT_UNIT_OK) {
        return PyErr_Format(PyExc_RuntimeError, "failed to send response");
    }

    ws->state = WS_ACCEPTED;

    return nxtpy_awaitable_completed();
}


static int
add_subprotocol(PyObject *message, nxtpy_fields_t *fields)
{
    size_t      length;
    PyObject    *subprotocol;
    const char  *text;

    static const char  name[] = "sec-websocket-protocol";

    subprotocol = PyDict_GetItemWithError(message, nxtpy_str_subprotocol);

    if (subprotocol == NULL || subprotocol == Py_None) {
        return PyErr_Occurred() ? -1 : 0;
    }

    text = PyUnicode_Check(subprotocol) ? nxtpy_latin1(subprotocol, &length)
                                        : NULL;
    if (text == NULL) {
        PyErr_SetString(PyExc_TypeError,
                        "'subprotocol' is not a string of Latin-1 characters");
        return -1;
    }

    if (length == 0) {
        return 0;
    }

    return nxtpy_fields_add(fields, name, sizeof(name) - 1, text, length);
}


static PyObject *
close_connection(websocket_t *ws, PyObject *message)
{
    long        code;
    PyObject    *object;
    Py_ssize_t  length;
    const char  *reason;

    if (ws->state == WS_CONNECT) {
        return refuse_connection(ws);
    }

    if (ws->state == WS_DISCONNECTED) {
        return nxtpy_awaitable_pause();
    }

    if (ws->state != WS_ACCEPTED) {
        return wrong_state(ws);
    }

    code = NXT_WEBSOCKET_CR_NORMAL;
    object = PyDict_GetItemWithError(message, nxtpy_str_code);

    if (object != NULL && object != Py_None) {
        if (!PyLong_Check(object)) {
            return PyErr_Format(PyExc_TypeError, "'code' is not integer");
        }

        code = PyLong_AsLong(object);

        if (code < 1000 || code > 4999) {
            PyErr_Clear();

            return PyErr_Format(PyExc_ValueError, "invalid 'code': %R", object);
        }
    }

    reason = NULL;
    length = 0;
    object = PyDict_GetItemWithError(message, nxtpy_str_reason);

    if (object != NULL && object != Py_None) {
        if (!PyUnicode_Check(object)) {
            return PyErr_Format(PyExc_TypeError,
                                "'reason' is not a unicode string");
        }

        reason = PyUnicode_AsUTF8AndSize(object, &length);
        if (reason == NULL) {
            return NULL;
        }

        if (length > NXTPY_CLOSE_REASON_MAX) {
            return PyErr_Format(PyExc_ValueError,
                                "'reason' is longer than %d bytes",
                                NXTPY_CLOSE_REASON_MAX);
        }
    }

    if (PyErr_Occurred()) {
        return NULL;
    }

    nxtpy_websocket_send_close(ws, (uint16_t) code, reason, (size_t) length);
    nxtpy_websocket_disconnect(ws, WS_CLOSED, (uint16_t) code);

    return nxtpy_awaitable_completed();
}


/* Closing before accepting refuses the handshake. */
static PyObject *
refuse_connection(websocket_t *ws)
{
    int             rc;
    nxtpy_fields_t  fields;

    nxtpy_fields_init(&fields);

    rc = nxtpy_response_init(ws->exchange.req, 403, &fields);

    nxtpy_fields_free(&fields);

    if (rc != 0) {
        return NULL;
    }

    nxtpy_websocket_disconnect(ws, WS_CLOSED, NXT_WEBSOCKET_CR_ABNORMAL);
    nxtpy_exchange_finish(&ws->exchange, NXT_UNIT_OK);

    return nxtpy_awaitable_completed();
}


static PyObject *
send_data(websocket_t *ws, PyObject *message)
{
    PyObject    *bytes, *text, *awaitable;
    Py_buffer   view;
    Py_ssize_t  length;
    const char  *utf8;

    if (ws->state != WS_ACCEPTED) {
        return wrong_state(ws);
    }

    bytes = PyDict_GetItemWithError(message, nxtpy_str_bytes);
    text = PyDict_GetItemWithError(message, nxtpy_str_text);

    if (PyErr_Occurred()) {
        return NULL;
    }

    bytes = (bytes == Py_None) ? NULL : bytes;
    text = (text == Py_None) ? NULL : text;

    if ((bytes == NULL) == (text == NULL)) {
        return PyErr_Format(PyExc_ValueError, "Exactly one of 'bytes' or "
                            "'text' must be non-None");
    }

    if (text != NULL) {
        if (!PyUnicode_Check(text)) {
            return PyErr_Format(PyExc_TypeError,
                                "'text' is not a unicode string");
        }

        utf8 = PyUnicode_AsUTF8AndSize(text, &length);

        if (utf8 == NULL
            || nxtpy_websocket_send_frame(ws, NXT_WEBSOCKET_OP_TEXT, utf8,
                                          (size_t) length, &awaitable) != 0)
        {
            return NULL;
        }

        return awaitable;
    }

    if (!PyObject_CheckBuffer(bytes)
        || PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) != 0)
    {
        PyErr_Clear();

        return PyErr_Format(PyExc_TypeError, "'bytes' is not a byte string");
    }

    if (nxtpy_websocket_send_frame(ws, NXT_WEBSOCKET_OP_BINARY, view.buf,
                                   (size_t) view.len, &awaitable) != 0)
    {
        awaitable = NULL;
    }

    PyBuffer_Release(&view);

    return awaitable;
}


static PyObject *
wrong_state(websocket_t *ws)
{
    const char  *what;

    switch (ws->state) {

    case WS_INIT:
        what = "WebSocket connect not received";
        break;

    case WS_CONNECT:
        what = "WebSocket not accepted yet";
        break;

    case WS_ACCEPTED:
        what = "WebSocket already accepted";
        break;

    case WS_DISCONNECTED:
        what = "WebSocket disconnected";
        break;

    default:
        what = "WebSocket already closed";
        break;
    }

    return PyErr_Format(PyExc_RuntimeError, "%s", what);
}


static void
websocket_ended(nxtpy_exchange_t *exchange, int rc)
{
    websocket_t     *ws;
    nxtpy_fields_t  fields;

    ws = (websocket_t *) exchange;

    if (exchange->req == NULL) {
        return;
    }

    if (ws->state == WS_ACCEPTED || ws->close_received) {
        nxtpy_websocket_send_close(ws, (rc == NXT_UNIT_OK)
                                   ? NXT_WEBSOCKET_CR_NORMAL
                                   : NXT_WEBSOCKET_CR_INTERNAL_SERVER_ERROR,
                                   NULL, 0);
        rc = NXT_UNIT_OK;

    } else if (ws->state <= WS_CONNECT && rc == NXT_UNIT_OK) {
        /* The application has left the client without an answer. */
        nxtpy_fields_init(&fields);

        if (nxtpy_response_init(exchange->req, 403, &fields) != 0) {
            nxtpy_print_exception();
            rc = NXT_UNIT_ERROR;
        }

        nxtpy_fields_free(&fields);

    } else if (ws->state == WS_CLOSED) {
        rc = NXT_UNIT_OK;
    }

    ws->close_received = false;

    nxtpy_websocket_disconnect(ws, WS_CLOSED, NXT_WEBSOCKET_CR_NORMAL);
    nxtpy_websocket_inbox_clear(ws);

    nxtpy_exchange_finish(exchange, rc);
}


static void
websocket_dealloc(PyObject *self)
{
    websocket_t  *ws;

    ws = (websocket_t *) self;

    nxtpy_websocket_inbox_clear(ws);
    Py_CLEAR(ws->reason);

    nxtpy_exchange_clear(&ws->exchange);

    Py_TYPE(self)->tp_free(self);
}
