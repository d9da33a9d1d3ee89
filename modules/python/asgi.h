/*
 * asgi.h: shared by the ASGI files.
 *
 * Each thread has one asyncio event loop.  It watches the descriptors of
 * libunit's ports; libunit calls the handlers of this module from there.  So
 * everything below runs in the loop's thread with the GIL held.
 */

#ifndef NXTPY_ASGI_H
#define NXTPY_ASGI_H

#include "python.h"
#include "asgi_names.h"


typedef struct {
    PyObject     *loop;
    PyObject     *create_future;       /* bound methods of the loop */
    PyObject     *create_task;
    PyObject     *call_soon;
    PyObject     *add_reader;
    PyObject     *remove_reader;
    PyObject     *run_until_complete;

    PyObject     *quit_future;         /* resolved when unitd says quit */
    int          rc;                   /* how the process is to end */
    bool         closing;              /* tasks are being cancelled */

    PyObject     **lifespans;          /* one per target */
    nxt_queue_t  exchanges;            /* those whose task runs */
    nxt_queue_t  draining;             /* those that wait for shared memory */
    nxt_queue_t  readers;              /* ports watched by the loop */
} nxtpy_loop_t;


typedef struct nxtpy_exchange_s  nxtpy_exchange_t;
typedef struct nxtpy_send_s      nxtpy_send_t;

/*
 * One request, plain or WebSocket, and the task of the application that
 * serves it.  The request may end before the task does: then req is NULL.
 */
struct nxtpy_exchange_s {
    PyObject_HEAD

    nxtpy_loop_t             *loop;
    nxt_unit_request_info_t  *req;
    PyObject                 *task;
    PyObject                 *waiters;   /* list of futures of receive() */

    nxtpy_send_t             *sends;     /* parts not yet sent, in order */
    nxtpy_send_t             **sends_end;
    bool                     finishing;  /* done once the sends are */

    nxt_queue_link_t         link;       /* in loop->exchanges */
    nxt_queue_link_t         drain_link; /* in loop->draining */

    /* The task has ended, with NXT_UNIT_ERROR if it raised an exception. */
    void                     (*ended)(nxtpy_exchange_t *exchange, int rc);
};


/* asgi_future.c: all return new references, or NULL with an exception. */
PyObject *nxtpy_future_new(nxtpy_loop_t *loop);
PyObject *nxtpy_future_ready(nxtpy_loop_t *loop, PyObject *result);
void nxtpy_future_resolve(PyObject *future, PyObject *result);
void nxtpy_future_fail(PyObject *future);
void nxtpy_future_settle(PyObject *future, PyObject *value);
bool nxtpy_future_is_done(PyObject *future);
int nxtpy_awaitable_init(void);
PyObject *nxtpy_awaitable_completed(void);
PyObject *nxtpy_awaitable_pause(void);

/* asgi_exchange.c */
nxtpy_exchange_t *nxtpy_exchange_new(PyTypeObject *type,
    nxt_unit_request_info_t *req);
void nxtpy_exchange_clear(nxtpy_exchange_t *exchange);
int nxtpy_exchange_run(nxtpy_exchange_t *exchange, PyMethodDef *receive,
    PyMethodDef *send);
PyObject *nxtpy_exchange_call(PyObject *self, PyObject *args, PyObject *kwds);
void nxtpy_exchange_finish(nxtpy_exchange_t *exchange, int rc);
PyObject *nxtpy_exchange_wait(nxtpy_exchange_t *exchange);
PyObject *nxtpy_exchange_take_waiter(nxtpy_exchange_t *exchange);
void nxtpy_exchange_wake_all(nxtpy_exchange_t *exchange,
    PyObject *(*message)(nxtpy_exchange_t *exchange));

/* asgi_call.c */
PyObject *nxtpy_asgi_call(nxtpy_target_t *target, PyObject *scope,
    PyObject *receive, PyObject *send);

/* asgi_send.c */
PyObject *nxtpy_exchange_write(nxtpy_exchange_t *exchange, Py_buffer *body);
void nxtpy_exchange_drop_sends(nxtpy_exchange_t *exchange);
void nxtpy_loop_drain(nxtpy_loop_t *loop);

/* asgi_message.c */
PyObject *nxtpy_message_new(PyObject *type);
PyObject *nxtpy_message_type(PyObject *message);
bool nxtpy_message_is(PyObject *type, PyObject *expected);
int nxtpy_message_headers(PyObject *message, nxtpy_fields_t *fields,
    PyObject **keep);

/* asgi_scope.c */
int nxtpy_asgi_scope_init(void);
PyObject *nxtpy_asgi_scope(nxt_unit_request_info_t *req,
    nxtpy_target_t *target, PyObject *state);
PyObject *nxtpy_asgi_lifespan_scope(PyObject *state);

/* asgi_http.c */
int nxtpy_asgi_http_init(void);
void nxtpy_asgi_http_start(nxt_unit_request_info_t *req);
void nxtpy_asgi_http_data(nxt_unit_request_info_t *req);
void nxtpy_asgi_http_closed(nxt_unit_request_info_t *req);

/* asgi_websocket.c, asgi_websocket_frame.c, asgi_websocket_inbox.c */
int nxtpy_asgi_websocket_init(void);
void nxtpy_asgi_websocket_start(nxt_unit_request_info_t *req);
void nxtpy_asgi_websocket_frame(nxt_unit_websocket_frame_t *frame);
void nxtpy_asgi_websocket_closed(nxt_unit_request_info_t *req);

/* asgi_lifespan.c */
int nxtpy_asgi_lifespan_init(void);
int nxtpy_asgi_lifespan_startup(nxtpy_loop_t *loop);
int nxtpy_asgi_lifespan_shutdown(nxtpy_loop_t *loop);
void nxtpy_asgi_lifespan_free(nxtpy_loop_t *loop);
PyObject *nxtpy_asgi_lifespan_state(nxtpy_loop_t *loop, uint32_t target);

/* asgi_port.c */
int nxtpy_asgi_port_init(void);
int nxtpy_asgi_add_port(nxt_unit_ctx_t *ctx, nxt_unit_port_t *port);
void nxtpy_asgi_remove_port(nxt_unit_t *unit, nxt_unit_ctx_t *ctx,
    nxt_unit_port_t *port);
void nxtpy_asgi_quit(nxt_unit_ctx_t *ctx);

/* asgi_shutdown.c */
void nxtpy_asgi_end_exchanges(nxtpy_loop_t *loop);
void nxtpy_asgi_close_loop(nxtpy_loop_t *loop);


#endif  /* NXTPY_ASGI_H */
