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
    bool  variadic;        /* has *args */
    int   arguments;       /* as written, with "self" */
    int   required;        /* those of them that a call must give */
} signature_t;


static signature_t
read_signature(PyObject *callable)
{
    bool          bound;
    PyObject      *call, *function, *defaults;
    signature_t   signature;
    PyCodeObject  *code;

    bound = false;
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
        bound = true;
    }

    if (PyFunction_Check(function)) {
        code = (PyCodeObject *) PyFunction_GET_CODE(function);

        signature.known = true;
        signature.coroutine = (code->co_flags & CO_COROUTINE) != 0;
        signature.variadic = (code->co_flags & CO_VARARGS) != 0;
        signature.arguments = code->co_argcount;

        defaults = PyFunction_GET_DEFAULTS(function);

        signature.required = code->co_argcount - (bound ? 1 : 0);

        if (defaults != NULL && PyTuple_Check(defaults)) {
            signature.required -= (int) PyTuple_GET_SIZE(defaults);
        }
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
 * Asked only once the protocol is settled.  A plain function that needs more
 * than the scope is a wrapper around a coroutine function, hence ASGI 3.
 */
bool
nxtpy_is_asgi_legacy(PyObject *application)
{
    signature_t  signature;

    signature = read_signature(application);

    return signature.known
           && !signature.coroutine
           && !signature.variadic
           && signature.required <= 1;
}
