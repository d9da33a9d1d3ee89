/*
 * detect.c: tells ASGI from WSGI applications, and ASGI 3 from ASGI 2, by the
 * signature of the callable.
 *
 *   ASGI 3   async def application(scope, receive, send)
 *   ASGI 2   def application(scope)        returns application(receive, send)
 *   WSGI     def application(environ, start_response)
 */

#include "python.h"


typedef struct {
    bool  known;           /* false: the callable has no Python code */
    bool  coroutine;
    int   arguments;       /* as written, with "self" */
    bool  bound;           /* "self" is already given */
} signature_t;


static signature_t
read_signature(PyObject *callable)
{
    PyObject      *call, *function;
    signature_t   signature;
    PyCodeObject  *code;

    memset(&signature, 0, sizeof(signature));

    if (PyFunction_Check(callable) || PyMethod_Check(callable)) {
        call = Py_NewRef(callable);

    } else {
        /* An instance with a __call__ method, or something made in C. */
        call = PyObject_GetAttrString(callable, "__call__");
        if (call == NULL) {
            PyErr_Clear();
            return signature;
        }
    }

    function = call;

    if (PyMethod_Check(call)) {
        function = PyMethod_GET_FUNCTION(call);
        signature.bound = true;
    }

    if (PyFunction_Check(function)) {
        code = (PyCodeObject *) PyFunction_GET_CODE(function);

        signature.known = true;
        signature.coroutine = (code->co_flags & CO_COROUTINE) != 0;
        signature.arguments = code->co_argcount;
    }

    Py_DECREF(call);

    return signature;
}


bool
nxtpy_is_asgi(PyObject *application)
{
    signature_t  signature;

    signature = read_signature(application);

    return signature.known
           && (signature.coroutine || signature.arguments == 1);
}


/*
 * Asked only once the protocol is settled.  A plain function that takes all
 * three arguments is a wrapper around a coroutine function, hence ASGI 3.
 */
bool
nxtpy_is_asgi_legacy(PyObject *application)
{
    signature_t  signature;

    signature = read_signature(application);

    return signature.known
           && !signature.coroutine
           && signature.arguments - (signature.bound ? 1 : 0) < 3;
}
