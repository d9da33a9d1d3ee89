/*
 * wsgi.c: serves requests with a WSGI application (PEP 3333).
 *
 * A thread waits for requests in nxt_unit_run() without the GIL and takes it
 * for the time of a request.
 */

#include "wsgi.h"


typedef struct {
    PyThreadState         *thread_state;
    nxtpy_wsgi_request_t  *request;    /* for the next request, or NULL */
} context_t;


static void request_handler(nxt_unit_request_info_t *req);
static nxtpy_wsgi_request_t *take_request(context_t *context,
    nxt_unit_request_info_t *req);
static PyObject *call_application(nxtpy_wsgi_request_t *request);
static int send_response(nxtpy_wsgi_request_t *request, PyObject *response);
static int send_sequence(nxtpy_wsgi_request_t *request, PyObject *response);
static int send_iterable(nxtpy_wsgi_request_t *request, PyObject *response);
static int send_item(nxtpy_wsgi_request_t *request, PyObject *item, bool last);
static PyObject *close_method(PyObject *response);
static void call_close(PyObject *close);


static PyObject  *close_str;


static int
wsgi_init(nxt_unit_init_t *init, nxt_python_app_conf_t *conf)
{
    close_str = PyUnicode_InternFromString("close");

    if (close_str == NULL
        || nxtpy_wsgi_request_init() != 0
        || nxtpy_wsgi_file_init() != 0)
    {
        nxt_unit_alert(NULL, "Python failed to prepare the WSGI types");
        nxtpy_print_exception();

        return NXT_UNIT_ERROR;
    }

    if (nxtpy_wsgi_environ_init(conf) != NXT_UNIT_OK) {
        return NXT_UNIT_ERROR;
    }

    init->callbacks.request_handler = request_handler;

    return NXT_UNIT_OK;
}


static void *
context_new(void)
{
    context_t  *context;

    context = calloc(1, sizeof(context_t));

    if (context == NULL) {
        nxt_unit_alert(NULL, "Failed to allocate a WSGI context");
    }

    return context;
}


static void
context_free(void *data)
{
    context_t  *context;

    context = data;

    if (context->request != NULL) {
        nxtpy_wsgi_request_free(context->request);
    }

    free(context);
}


static int
wsgi_run(nxt_unit_ctx_t *ctx)
{
    int        rc;
    context_t  *context;

    context = ctx->data;

    context->thread_state = PyEval_SaveThread();

    rc = nxt_unit_run(ctx);

    PyEval_RestoreThread(context->thread_state);

    return rc;
}


const nxtpy_protocol_t  nxtpy_wsgi = {
    .init         = wsgi_init,
    .context_new  = context_new,
    .context_free = context_free,
    .startup      = NULL,
    .run          = wsgi_run,
};


/* Called without the GIL, in the thread of the context. */
static void
request_handler(nxt_unit_request_info_t *req)
{
    int                   rc;
    PyObject              *response, *close;
    context_t             *context;
    nxtpy_wsgi_request_t  *request;

    context = req->ctx->data;
    response = NULL;
    close = NULL;
    rc = NXT_UNIT_ERROR;

    PyEval_RestoreThread(context->thread_state);

    request = take_request(context, req);

    if (request != NULL) {
        response = call_application(request);
    }

    if (response != NULL) {
        rc = send_response(request, response);

        close = close_method(response);

        Py_DECREF(response);
    }

    /* From here on the application cannot reach req any more. */
    if (request != NULL) {
        request->req = NULL;

        if (nxtpy_wsgi_request_reusable(request)) {
            context->request = request;

        } else {
            nxtpy_wsgi_request_free(request);
        }
    }

    context->thread_state = PyEval_SaveThread();

    nxt_unit_request_done(req, rc);

    /*
     * The client need not wait for what the application does at the end, nor
     * can that change the response.
     */
    if (close != NULL) {
        PyEval_RestoreThread(context->thread_state);

        call_close(close);

        context->thread_state = PyEval_SaveThread();
    }
}


static nxtpy_wsgi_request_t *
take_request(context_t *context, nxt_unit_request_info_t *req)
{
    nxtpy_wsgi_request_t  *request;

    request = context->request;

    if (request != NULL) {
        context->request = NULL;

    } else {
        request = nxtpy_wsgi_request_new();

        if (request == NULL) {
            nxt_unit_req_error(req, "Python failed to create a request object");
            nxtpy_print_exception();

            return NULL;
        }
    }

    request->req = req;
    request->content_length = NXTPY_NO_LENGTH;
    request->bytes_sent = 0;
    request->head = nxtpy_request_is_head(req);

    return request;
}


static PyObject *
call_application(nxtpy_wsgi_request_t *request)
{
    PyObject                 *environ, *response;
    PyObject                 *args[2];
    nxtpy_target_t           *target;
    nxt_unit_request_info_t  *req;

    req = request->req;
    target = &nxtpy_targets[req->request->app_target];

    environ = nxtpy_wsgi_environ(request, target);

    if (environ == NULL) {
        nxt_unit_req_error(req, "Python failed to create the \"environ\" "
                           "dictionary");
        nxtpy_print_exception();

        return NULL;
    }

    args[0] = environ;
    args[1] = request->start_response;

    response = PyObject_Vectorcall(target->application, args, 2, NULL);

    Py_DECREF(environ);

    if (response == NULL) {
        nxt_unit_req_error(req, "Python failed to call the application");
        nxtpy_print_exception();
    }

    return response;
}


static int
send_response(nxtpy_wsgi_request_t *request, PyObject *response)
{
    int   rc;
    bool  sent;

    /* Not an iterable of bytes, but an easy mistake with a clear meaning. */
    if (PyBytes_Check(response)) {
        return nxtpy_wsgi_send(request, response, true);
    }

    if (PyList_CheckExact(response) || PyTuple_CheckExact(response)) {
        return send_sequence(request, response);
    }

    if (Py_TYPE(response) == &nxtpy_wsgi_file_type) {
        rc = nxtpy_wsgi_file_send(request, response, &sent);

        if (sent) {
            return rc;
        }
    }

    return send_iterable(request, response);
}


/* The usual response: which item is the last one is known beforehand. */
static int
send_sequence(nxtpy_wsgi_request_t *request, PyObject *response)
{
    int         rc;
    PyObject    *item;
    Py_ssize_t  i;

    rc = NXT_UNIT_OK;

    for (i = 0;
         rc == NXT_UNIT_OK
         && i < PySequence_Fast_GET_SIZE(response)
         && request->bytes_sent < request->content_length;
         i++)
    {
        /* A list may change while the GIL is given up to send an item. */
        item = Py_NewRef(PySequence_Fast_GET_ITEM(response, i));

        rc = send_item(request, item,
                       i + 1 == PySequence_Fast_GET_SIZE(response));

        Py_DECREF(item);
    }

    return rc;
}


static int
send_iterable(nxtpy_wsgi_request_t *request, PyObject *response)
{
    int       rc;
    PyObject  *iterator, *item;

    iterator = PyObject_GetIter(response);

    if (iterator == NULL) {
        nxt_unit_req_error(request->req, "the application returned not an "
                           "iterable object");
        nxtpy_print_exception();

        return NXT_UNIT_ERROR;
    }

    rc = NXT_UNIT_OK;

    while (rc == NXT_UNIT_OK && request->bytes_sent < request->content_length) {
        item = PyIter_Next(iterator);

        if (item == NULL) {
            if (PyErr_Occurred()) {
                nxt_unit_req_error(request->req, "Python failed to iterate "
                                   "over the application response object");
                nxtpy_print_exception();

                rc = NXT_UNIT_ERROR;
            }

            break;
        }

        rc = send_item(request, item, false);

        Py_DECREF(item);
    }

    Py_DECREF(iterator);

    return rc;
}


static int
send_item(nxtpy_wsgi_request_t *request, PyObject *item, bool last)
{
    if (!PyBytes_Check(item)) {
        nxt_unit_req_error(request->req, "the application returned not a "
                           "bytestring object, but \"%s\"",
                           Py_TYPE(item)->tp_name);
        return NXT_UNIT_ERROR;
    }

    /* With the declared length reached, nothing is asked for any more. */
    last = last
           || (uint64_t) PyBytes_GET_SIZE(item)
              == request->content_length - request->bytes_sent;

    return nxtpy_wsgi_send(request, item, last);
}


/* The bound close() of the response, or NULL. */
static PyObject *
close_method(PyObject *response)
{
    PyObject  *close;

    /* A failing look-up costs; these types never have it. */
    if (PyList_CheckExact(response)
        || PyTuple_CheckExact(response)
        || PyBytes_CheckExact(response))
    {
        return NULL;
    }

    close = PyObject_GetAttr(response, close_str);

    if (close == NULL) {
        PyErr_Clear();
    }

    return close;
}


static void
call_close(PyObject *close)
{
    PyObject  *result;

    result = PyObject_CallNoArgs(close);

    Py_DECREF(close);

    if (result == NULL) {
        nxt_unit_error(NULL, "Python failed to call the close() method of the "
                       "application response");
        nxtpy_print_exception();
        return;
    }

    Py_DECREF(result);
}
