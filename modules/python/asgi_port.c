/*
 * asgi_port.c: connects libunit's ports to the event loop.
 */

#include "asgi.h"

#include <errno.h>
#include <fcntl.h>


/*
 * The callback of the loop for one port.  A call may still be scheduled when
 * libunit drops the port: then ctx and port are NULL.
 */
typedef struct {
    PyObject_HEAD

    nxt_unit_ctx_t    *ctx;
    nxt_unit_port_t   *port;
    nxt_queue_link_t  link;     /* in loop->readers, which holds a reference */
} reader_t;


static PyObject *reader_call(PyObject *self, PyObject *args, PyObject *kwds);
static void reader_dealloc(PyObject *self);
static int watch(nxtpy_loop_t *loop, reader_t *reader);
static void stop_loop(nxtpy_loop_t *loop, int rc);


static PyTypeObject  reader_type = {
    PyVarObject_HEAD_INIT(NULL, 0)

    .tp_name      = "unit._port_reader",
    .tp_doc       = "Receives messages from unitd.",
    .tp_basicsize = sizeof(reader_t),
    .tp_flags     = Py_TPFLAGS_DEFAULT,
    .tp_dealloc   = reader_dealloc,
    .tp_call      = reader_call,
};


int
nxtpy_asgi_port_init(void)
{
    return PyType_Ready(&reader_type);
}


/* libunit has a port to read from: its own, or the one shared by all. */
int
nxtpy_asgi_add_port(nxt_unit_ctx_t *ctx, nxt_unit_port_t *port)
{
    int           flags;
    reader_t      *reader;
    nxtpy_loop_t  *loop;

    if (port->in_fd == -1) {
        return NXT_UNIT_OK;
    }

    loop = ctx->data;

    flags = fcntl(port->in_fd, F_GETFL);

    if (flags == -1 || fcntl(port->in_fd, F_SETFL, flags | O_NONBLOCK) == -1) {
        nxt_unit_alert(ctx, "fcntl(%d, F_SETFL, O_NONBLOCK) failed: %s (%d)",
                       port->in_fd, strerror(errno), errno);
        return NXT_UNIT_ERROR;
    }

    reader = PyObject_New(reader_t, &reader_type);

    if (reader != NULL) {
        reader->ctx = ctx;
        reader->port = port;
    }

    if (reader == NULL || watch(loop, reader) != 0) {
        nxt_unit_alert(ctx, "Python failed to call 'loop.add_reader'");
        nxtpy_print_exception();

        Py_XDECREF((PyObject *) reader);

        return NXT_UNIT_ERROR;
    }

    nxt_queue_insert_tail(&loop->readers, &reader->link);

    return NXT_UNIT_OK;
}


static int
watch(nxtpy_loop_t *loop, reader_t *reader)
{
    PyObject  *result;

    result = PyObject_CallFunction(loop->add_reader, "iO", reader->port->in_fd,
                                   (PyObject *) reader);
    if (result == NULL) {
        return -1;
    }

    Py_DECREF(result);

    return 0;
}


/* Without a context it is another thread's port: nothing to do here. */
void
nxtpy_asgi_remove_port(nxt_unit_t *unit NXTPY_UNUSED, nxt_unit_ctx_t *ctx,
    nxt_unit_port_t *port)
{
    PyObject          *result;
    reader_t          *reader;
    nxtpy_loop_t      *loop;
    nxt_queue_link_t  *link;

    if (ctx == NULL || port == NULL || port->in_fd == -1) {
        return;
    }

    loop = ctx->data;

    for (link = nxt_queue_first(&loop->readers);
         link != nxt_queue_tail(&loop->readers);
         link = nxt_queue_next(link))
    {
        reader = nxt_queue_link_data(link, reader_t, link);

        if (reader->port != port) {
            continue;
        }

        result = PyObject_CallFunction(loop->remove_reader, "i", port->in_fd);

        if (result == NULL) {
            nxt_unit_alert(ctx, "Python failed to call 'loop.remove_reader'");
            nxtpy_print_exception();
        }

        Py_XDECREF(result);

        nxt_queue_remove(link);

        reader->ctx = NULL;
        reader->port = NULL;

        Py_DECREF((PyObject *) reader);

        return;
    }
}


/*
 * Takes one message.  A port's queue announces itself only when it was empty,
 * so a message may be followed by others; they have to wait for their turn,
 * however, so that a request that just came in starts first, and so that
 * another process or thread may take the next one.
 */
static PyObject *
reader_call(PyObject *self, PyObject *args NXTPY_UNUSED,
    PyObject *kwds NXTPY_UNUSED)
{
    int             rc;
    reader_t        *reader;
    nxtpy_loop_t    *loop;
    nxt_unit_ctx_t  *ctx;

    reader = (reader_t *) self;
    ctx = reader->ctx;

    if (ctx == NULL) {
        Py_RETURN_NONE;
    }

    loop = ctx->data;

    rc = nxt_unit_process_port_msg(ctx, reader->port);

    if (rc == NXT_UNIT_OK) {
        return PyObject_CallOneArg(loop->call_soon, self);
    }

    if (rc == NXT_UNIT_ERROR) {
        /* The connection to unitd is broken: without it nothing can be done. */
        nxt_unit_alert(NULL, "failed to process a message from unitd");

        stop_loop(loop, NXT_UNIT_ERROR);
    }

    Py_RETURN_NONE;
}


static void
reader_dealloc(PyObject *self)
{
    PyObject_Free(self);
}


void
nxtpy_asgi_quit(nxt_unit_ctx_t *ctx)
{
    stop_loop(ctx->data, NXT_UNIT_OK);
}


static void
stop_loop(nxtpy_loop_t *loop, int rc)
{
    if (rc != NXT_UNIT_OK) {
        loop->rc = rc;
    }

    nxtpy_future_resolve(loop->quit_future, Py_None);
}
