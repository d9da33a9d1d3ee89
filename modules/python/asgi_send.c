/*
 * asgi_send.c: the way of response data to the router, with back-pressure.
 *
 * Data goes into shared memory at once while there is some.  When it is used
 * up, because the client reads slowly, the rest waits in the exchange, and so
 * does the application's await, until the router acknowledges that memory is
 * free again.  The event loop never blocks.
 */

#include "asgi.h"


struct nxtpy_send_s {
    nxtpy_send_t  *next;
    Py_buffer     body;
    Py_ssize_t    offset;
    PyObject      *future;
};


static int write_some(nxt_unit_request_info_t *req, nxtpy_send_t *send);
static void pop_send(nxtpy_exchange_t *exchange, bool failed);
static int drain_exchange(nxtpy_exchange_t *exchange);
static void leave_draining(nxtpy_exchange_t *exchange);


/*
 * Writes the body after whatever waits already; takes over the buffer.
 * Returns what the application is to await, or NULL with an exception.
 */
PyObject *
nxtpy_exchange_write(nxtpy_exchange_t *exchange, Py_buffer *body)
{
    nxtpy_send_t  *send, first;

    first.body = *body;
    first.offset = 0;

    if (exchange->sends == NULL) {
        if (write_some(exchange->req, &first) != 0) {
            PyBuffer_Release(body);

            return PyErr_Format(PyExc_RuntimeError, "failed to send body");
        }

        if (first.offset == body->len) {
            PyBuffer_Release(body);

            return nxtpy_awaitable_completed();
        }
    }

    send = malloc(sizeof(nxtpy_send_t));
    if (send == NULL) {
        PyBuffer_Release(body);

        return PyErr_NoMemory();
    }

    *send = first;
    send->next = NULL;
    send->future = nxtpy_future_new(exchange->loop);

    if (send->future == NULL) {
        PyBuffer_Release(body);
        free(send);

        return NULL;
    }

    if (exchange->sends == NULL) {
        exchange->sends_end = &exchange->sends;

        nxt_queue_insert_tail(&exchange->loop->draining,
                              &exchange->drain_link);
        Py_INCREF((PyObject *) exchange);
    }

    *exchange->sends_end = send;
    exchange->sends_end = &send->next;

    return Py_NewRef(send->future);
}


/* Gives up what waits: nobody is there to read it. */
void
nxtpy_exchange_drop_sends(nxtpy_exchange_t *exchange)
{
    if (exchange->sends == NULL) {
        return;
    }

    while (exchange->sends != NULL) {
        pop_send(exchange, false);
    }

    leave_draining(exchange);
}


void
nxtpy_loop_drain(nxtpy_loop_t *loop)
{
    nxt_queue_link_t  *link;
    nxtpy_exchange_t  *exchange;

    while (!nxt_queue_is_empty(&loop->draining)) {
        link = nxt_queue_first(&loop->draining);
        exchange = nxt_queue_link_data(link, nxtpy_exchange_t, drain_link);

        if (drain_exchange(exchange) == NXT_UNIT_AGAIN) {
            return;
        }

        Py_INCREF((PyObject *) exchange);

        leave_draining(exchange);

        if (exchange->finishing) {
            nxtpy_exchange_finish(exchange, NXT_UNIT_OK);
        }

        Py_DECREF((PyObject *) exchange);
    }
}


static int
drain_exchange(nxtpy_exchange_t *exchange)
{
    int           rc;
    nxtpy_send_t  *send;

    while (exchange->sends != NULL) {
        send = exchange->sends;

        rc = write_some(exchange->req, send);

        if (rc == 0 && send->offset < send->body.len) {
            return NXT_UNIT_AGAIN;
        }

        pop_send(exchange, rc != 0);
    }

    return NXT_UNIT_OK;
}


static void
leave_draining(nxtpy_exchange_t *exchange)
{
    nxt_queue_remove(&exchange->drain_link);

    Py_DECREF((PyObject *) exchange);
}


/* Advances the offset as far as there is shared memory; -1 on failure. */
static int
write_some(nxt_unit_request_info_t *req, nxtpy_send_t *send)
{
    ssize_t  n;

    while (send->offset < send->body.len) {
        n = nxt_unit_response_write_nb(req,
                                       (char *) send->body.buf + send->offset,
                                       (size_t) (send->body.len - send->offset),
                                       0);
        if (n < 0) {
            return -1;
        }

        if (n == 0) {
            break;
        }

        send->offset += n;
    }

    return 0;
}


static void
pop_send(nxtpy_exchange_t *exchange, bool failed)
{
    nxtpy_send_t  *send;

    send = exchange->sends;
    exchange->sends = send->next;

    if (failed) {
        PyErr_SetString(PyExc_RuntimeError, "failed to send body");
        nxtpy_future_fail(send->future);

    } else {
        nxtpy_future_resolve(send->future, Py_None);
    }

    PyBuffer_Release(&send->body);
    Py_DECREF(send->future);

    free(send);
}
