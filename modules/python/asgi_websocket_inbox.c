/*
 * asgi_websocket_inbox.c: the "websocket" connection of ASGI, as far as the
 * client acts: frames become messages, which wait for receive().
 *
 * The router answers pings and checks the order of frames.  A payload leaves
 * shared memory at once, so a slow application does not hold it; what waits is
 * limited instead.
 */

#include "asgi_websocket.h"


/* More than this in one message, or in all that wait, closes with 1009. */
#define MESSAGE_MAX  (1024 * 1024)
#define INBOX_MAX    (10 * 1024 * 1024)


struct inbox_item_s {
    inbox_item_t  *next;
    PyObject      *message;
    size_t        size;
};


static void receive_data(websocket_t *ws, nxt_unit_websocket_frame_t *frame);
static void receive_close(websocket_t *ws, nxt_unit_websocket_frame_t *frame);
static int append_partial(websocket_t *ws, nxt_unit_websocket_frame_t *frame);
static PyObject *make_message(uint8_t opcode, const char *start, size_t length);
static void deliver(websocket_t *ws, PyObject *message, size_t size);
static void give_up(websocket_t *ws, uint16_t code);


void
nxtpy_asgi_websocket_frame(nxt_unit_websocket_frame_t *frame)
{
    websocket_t  *ws;

    ws = frame->req->data;

    if (ws != NULL) {
        Py_INCREF((PyObject *) ws);

        switch (frame->header->opcode) {

        case NXT_WEBSOCKET_OP_CONT:
        case NXT_WEBSOCKET_OP_TEXT:
        case NXT_WEBSOCKET_OP_BINARY:
            /* What comes after the end of the conversation is not heard. */
            if (ws->state == WS_ACCEPTED) {
                receive_data(ws, frame);
            }

            break;

        case NXT_WEBSOCKET_OP_CLOSE:
            if (ws->state == WS_ACCEPTED) {
                receive_close(ws, frame);
            }

            break;

        default:
            break;
        }

        Py_DECREF((PyObject *) ws);
    }

    nxt_unit_websocket_done(frame);
}


static void
receive_data(websocket_t *ws, nxt_unit_websocket_frame_t *frame)
{
    bool      first;
    size_t    size;
    uint8_t   opcode;
    PyObject  *message;

    opcode = frame->header->opcode;
    first = (opcode != NXT_WEBSOCKET_OP_CONT);

    if (first == (ws->partial_opcode != 0)) {
        give_up(ws, NXT_WEBSOCKET_CR_PROTOCOL_ERROR);
        return;
    }

    if (frame->payload_len > MESSAGE_MAX - ws->partial_size
        || frame->payload_len > INBOX_MAX - ws->partial_size - ws->inbox_size)
    {
        give_up(ws, NXT_WEBSOCKET_CR_MESSAGE_TOO_BIG);
        return;
    }

    if (first) {
        ws->partial_opcode = opcode;
    }

    if (append_partial(ws, frame) != 0) {
        give_up(ws, NXT_WEBSOCKET_CR_INTERNAL_SERVER_ERROR);
        return;
    }

    if (!frame->header->fin) {
        return;
    }

    opcode = ws->partial_opcode;
    size = ws->partial_size;

    ws->partial_opcode = 0;
    ws->partial_size = 0;

    message = make_message(opcode, ws->partial, size);

    /* The buffer of a chatty client is kept, that of a big message is not. */
    if (ws->partial_capacity > 16384) {
        free(ws->partial);

        ws->partial = NULL;
        ws->partial_capacity = 0;
    }

    if (message == NULL) {
        if (PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
            PyErr_Clear();
            give_up(ws, NXT_WEBSOCKET_CR_INVALID_DATA);

        } else {
            nxtpy_print_exception();
            give_up(ws, NXT_WEBSOCKET_CR_INTERNAL_SERVER_ERROR);
        }

        return;
    }

    deliver(ws, message, size);
}


static int
append_partial(websocket_t *ws, nxt_unit_websocket_frame_t *frame)
{
    char     *buf;
    size_t   capacity, needed;
    ssize_t  n;

    needed = ws->partial_size + (size_t) frame->payload_len;

    if (needed > ws->partial_capacity) {
        capacity = nxt_max(ws->partial_capacity * 2, needed);
        capacity = nxt_max(capacity, (size_t) 256);

        buf = realloc(ws->partial, capacity);
        if (buf == NULL) {
            return -1;
        }

        ws->partial = buf;
        ws->partial_capacity = capacity;
    }

    if (frame->payload_len == 0) {
        return 0;
    }

    n = nxt_unit_websocket_read(frame, ws->partial + ws->partial_size,
                                (size_t) frame->payload_len);

    if (n < 0 || (uint64_t) n != frame->payload_len) {
        return -1;
    }

    ws->partial_size = needed;

    return 0;
}


static PyObject *
make_message(uint8_t opcode, const char *start, size_t length)
{
    PyObject  *message, *data, *key;

    if (opcode == NXT_WEBSOCKET_OP_TEXT) {
        key = nxtpy_str_text;
        data = PyUnicode_DecodeUTF8(start, (Py_ssize_t) length, NULL);

    } else {
        key = nxtpy_str_bytes;
        data = PyBytes_FromStringAndSize(start, (Py_ssize_t) length);
    }

    if (data == NULL) {
        return NULL;
    }

    message = nxtpy_message_new(nxtpy_str_websocket_receive);

    if (message != NULL && PyDict_SetItem(message, key, data) != 0) {
        Py_CLEAR(message);
    }

    Py_DECREF(data);

    return message;
}


/* Consumes message. */
static void
deliver(websocket_t *ws, PyObject *message, size_t size)
{
    PyObject      *future;
    inbox_item_t  *item;

    future = nxtpy_exchange_take_waiter(&ws->exchange);

    if (future != NULL) {
        nxtpy_future_settle(future, message);

        return;
    }

    item = malloc(sizeof(inbox_item_t));

    if (item == NULL) {
        Py_DECREF(message);
        give_up(ws, NXT_WEBSOCKET_CR_INTERNAL_SERVER_ERROR);

        return;
    }

    /* An empty message takes memory, too. */
    size += sizeof(inbox_item_t);

    item->next = NULL;
    item->message = message;
    item->size = size;

    *ws->inbox_end = item;
    ws->inbox_end = &item->next;
    ws->inbox_size += size;

    if (ws->inbox_size > INBOX_MAX) {
        give_up(ws, NXT_WEBSOCKET_CR_MESSAGE_TOO_BIG);
    }
}


static void
receive_close(websocket_t *ws, nxt_unit_websocket_frame_t *frame)
{
    ssize_t   n;
    uint8_t   payload[125];
    uint16_t  code;

    n = nxt_unit_websocket_read(frame, payload, sizeof(payload));

    code = NXT_WEBSOCKET_CR_NORMAL;

    if (n >= 2) {
        code = (uint16_t) (payload[0] << 8 | payload[1]);
    }

    if (n > 2) {
        Py_XSETREF(ws->reason, PyUnicode_DecodeUTF8((char *) payload + 2, n - 2,
                                                    "replace"));
        if (ws->reason == NULL) {
            PyErr_Clear();
        }
    }

    ws->close_received = true;

    nxtpy_websocket_disconnect(ws, WS_DISCONNECTED, code);
}


/* Closes the connection for a reason that the application did not give. */
static void
give_up(websocket_t *ws, uint16_t code)
{
    nxt_unit_req_log(ws->exchange.req, NXT_UNIT_LOG_INFO,
                     "closing WebSocket with code %d", (int) code);

    nxtpy_websocket_send_close(ws, code, NULL, 0);

    nxtpy_websocket_inbox_clear(ws);
    nxtpy_websocket_disconnect(ws, WS_CLOSED, code);
}


/* From here on receive() tells that the conversation is over. */
void
nxtpy_websocket_disconnect(websocket_t *ws, websocket_state_t state,
    uint16_t code)
{
    if (ws->state < WS_DISCONNECTED) {
        ws->code = code;
    }

    ws->state = state;

    nxtpy_exchange_wake_all(&ws->exchange, nxtpy_websocket_disconnect_message);
}


PyObject *
nxtpy_websocket_disconnect_message(nxtpy_exchange_t *exchange)
{
    PyObject     *message, *code, *empty;
    websocket_t  *ws;

    ws = (websocket_t *) exchange;

    message = nxtpy_message_new(nxtpy_str_websocket_disconnect);
    code = PyLong_FromLong(ws->code);
    empty = PyUnicode_FromStringAndSize(NULL, 0);

    if (message != NULL
        && (code == NULL
            || empty == NULL
            || PyDict_SetItem(message, nxtpy_str_code, code) != 0
            || PyDict_SetItem(message, nxtpy_str_reason,
                              (ws->reason != NULL) ? ws->reason : empty) != 0))
    {
        Py_CLEAR(message);
    }

    Py_XDECREF(code);
    Py_XDECREF(empty);

    return message;
}


/* The message that waits longest, as a new reference, or NULL. */
PyObject *
nxtpy_websocket_next_message(websocket_t *ws)
{
    PyObject      *message;
    inbox_item_t  *item;

    item = ws->inbox;

    if (item == NULL) {
        return NULL;
    }

    ws->inbox = item->next;

    if (ws->inbox == NULL) {
        ws->inbox_end = &ws->inbox;
    }

    ws->inbox_size -= item->size;

    message = item->message;

    free(item);

    return message;
}


void
nxtpy_websocket_inbox_clear(websocket_t *ws)
{
    PyObject  *message;

    while ((message = nxtpy_websocket_next_message(ws)) != NULL) {
        Py_DECREF(message);
    }

    free(ws->partial);

    ws->partial = NULL;
    ws->partial_size = 0;
    ws->partial_capacity = 0;
    ws->partial_opcode = 0;
}
