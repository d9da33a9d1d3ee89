/*
 * asgi_shutdown.c: the end of an event loop: no task is left in the middle of
 * its work without having heard of it.
 */

#include "asgi.h"


/* How long the tasks get, in seconds, before they are abandoned. */
#define CANCEL_TIMEOUT      5.0
#define BACKGROUND_TIMEOUT  30.0


static void wait_for(nxtpy_loop_t *loop, PyObject *tasks, double timeout);
static void cancel(PyObject *task);
static void cancel_rest(nxtpy_loop_t *loop);
static void run_method(nxtpy_loop_t *loop, const char *name);


/*
 * Tasks whose request is open are cancelled; those that have sent their
 * response get the time to finish what they do in the background.
 */
void
nxtpy_asgi_end_exchanges(nxtpy_loop_t *loop)
{
    int               rc;
    bool              background;
    PyObject          *tasks;
    nxt_queue_link_t  *link;
    nxtpy_exchange_t  *exchange;

    if (nxt_queue_is_empty(&loop->exchanges)) {
        return;
    }

    tasks = PyList_New(0);
    if (tasks == NULL) {
        nxtpy_print_exception();
        return;
    }

    background = false;

    for (link = nxt_queue_first(&loop->exchanges);
         link != nxt_queue_tail(&loop->exchanges);
         link = nxt_queue_next(link))
    {
        exchange = nxt_queue_link_data(link, nxtpy_exchange_t, link);

        rc = PyList_Append(tasks, exchange->task);

        if (rc != 0) {
            nxtpy_print_exception();
        }

        if (exchange->req == NULL || exchange->finishing) {
            background = true;

        } else {
            cancel(exchange->task);
        }
    }

    loop->closing = true;

    wait_for(loop, tasks, background ? BACKGROUND_TIMEOUT : CANCEL_TIMEOUT);

    Py_DECREF(tasks);

    /* The request structures go away with the context. */
    while (!nxt_queue_is_empty(&loop->exchanges)) {
        link = nxt_queue_first(&loop->exchanges);
        exchange = nxt_queue_link_data(link, nxtpy_exchange_t, link);

        nxt_unit_warn(NULL, "an ASGI task did not end in time, abandoned");

        nxt_queue_remove(link);

        nxtpy_exchange_finish(exchange, NXT_UNIT_ERROR);

        Py_CLEAR(exchange->task);
    }

    loop->closing = false;
}


/* Ends what the application has started by itself, then the loop. */
void
nxtpy_asgi_close_loop(nxtpy_loop_t *loop)
{
    PyObject  *result;

    cancel_rest(loop);
    run_method(loop, "shutdown_asyncgens");

    result = PyObject_CallMethod(loop->loop, "close", NULL);

    if (result == NULL) {
        nxtpy_print_exception();
    }

    Py_XDECREF(result);
}


static void
cancel_rest(nxtpy_loop_t *loop)
{
    PyObject    *asyncio, *set, *tasks;
    Py_ssize_t  i;

    set = NULL;
    tasks = NULL;

    asyncio = PyImport_ImportModule("asyncio");

    if (asyncio != NULL) {
        set = PyObject_CallMethod(asyncio, "all_tasks", "O", loop->loop);
        Py_DECREF(asyncio);
    }

    if (set != NULL) {
        tasks = PySequence_List(set);
        Py_DECREF(set);
    }

    if (tasks == NULL) {
        nxtpy_print_exception();
        return;
    }

    for (i = 0; i < PyList_GET_SIZE(tasks); i++) {
        cancel(PyList_GET_ITEM(tasks, i));
    }

    if (PyList_GET_SIZE(tasks) > 0) {
        wait_for(loop, tasks, CANCEL_TIMEOUT);
    }

    Py_DECREF(tasks);
}


static void
cancel(PyObject *task)
{
    PyObject  *result;

    result = PyObject_CallMethodNoArgs(task, nxtpy_str_cancel);

    if (result == NULL) {
        nxtpy_print_exception();
    }

    Py_XDECREF(result);
}


/* Runs the loop until the tasks are done, or until the time is up. */
static void
wait_for(nxtpy_loop_t *loop, PyObject *tasks, double timeout)
{
    PyObject  *asyncio, *wait, *args, *kwds, *coroutine, *result;

    wait = NULL;
    coroutine = NULL;
    result = NULL;

    args = PyTuple_Pack(1, tasks);
    kwds = Py_BuildValue("{s:d}", "timeout", timeout);
    asyncio = PyImport_ImportModule("asyncio");

    if (asyncio != NULL) {
        wait = PyObject_GetAttrString(asyncio, "wait");
    }

    if (wait != NULL && args != NULL && kwds != NULL) {
        coroutine = PyObject_Call(wait, args, kwds);
    }

    if (coroutine != NULL) {
        result = PyObject_CallOneArg(loop->run_until_complete, coroutine);
    }

    if (result == NULL) {
        nxtpy_print_exception();
    }

    Py_XDECREF(result);
    Py_XDECREF(coroutine);
    Py_XDECREF(kwds);
    Py_XDECREF(args);
    Py_XDECREF(wait);
    Py_XDECREF(asyncio);
}


static void
run_method(nxtpy_loop_t *loop, const char *name)
{
    PyObject  *coroutine, *result;

    coroutine = PyObject_CallMethod(loop->loop, name, NULL);

    result = (coroutine != NULL)
             ? PyObject_CallOneArg(loop->run_until_complete, coroutine) : NULL;

    if (result == NULL) {
        nxtpy_print_exception();
    }

    Py_XDECREF(result);
    Py_XDECREF(coroutine);
}
