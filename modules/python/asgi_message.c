/*
 * asgi_message.c: making and reading the dicts that ASGI calls messages.
 */

#include "asgi.h"


static PyObject *keep_sequence(PyObject *object, PyObject **keep);


PyObject *
nxtpy_message_new(PyObject *type)
{
    PyObject  *message;

    message = PyDict_New();

    if (message != NULL
        && PyDict_SetItem(message, nxtpy_str_type, type) != 0)
    {
        Py_CLEAR(message);
    }

    return message;
}


/* The type of what the application sends, borrowed; NULL with an exception. */
PyObject *
nxtpy_message_type(PyObject *message)
{
    PyObject  *type;

    if (!PyDict_Check(message)) {
        return PyErr_Format(PyExc_TypeError, "an ASGI message must be a dict, "
                            "not '%s'", Py_TYPE(message)->tp_name);
    }

    type = PyDict_GetItemWithError(message, nxtpy_str_type);

    if (type == NULL || !PyUnicode_Check(type)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "'type' is not a unicode string");
        }

        return NULL;
    }

    return type;
}


/* Literals in an application are mostly the same interned object. */
bool
nxtpy_message_is(PyObject *type, PyObject *expected)
{
    return type == expected || PyUnicode_Compare(type, expected) == 0;
}


/*
 * Collects the "headers" of a message: pairs of byte strings.  *keep gets an
 * object (or NULL) that must live as long as the fields.
 */
int
nxtpy_message_headers(PyObject *message, nxtpy_fields_t *fields,
    PyObject **keep)
{
    PyObject    *headers, *pair, *name, *value;
    Py_ssize_t  i;

    *keep = NULL;

    headers = PyDict_GetItemWithError(message, nxtpy_str_headers);

    if (headers == NULL || headers == Py_None) {
        return PyErr_Occurred() ? -1 : 0;
    }

    headers = keep_sequence(headers, keep);

    if (headers == NULL) {
        PyErr_SetString(PyExc_TypeError, "'headers' is not an iterable");
        return -1;
    }

    for (i = 0; i < PySequence_Fast_GET_SIZE(headers); i++) {
        pair = keep_sequence(PySequence_Fast_GET_ITEM(headers, i), keep);

        if (pair == NULL) {
            PyErr_Format(PyExc_TypeError,
                         "'headers' item #%zd is not an iterable", i);
            return -1;
        }

        if (PySequence_Fast_GET_SIZE(pair) < 2) {
            PyErr_Format(PyExc_TypeError,
                         "'headers' item #%zd is not a pair", i);
            return -1;
        }

        name = PySequence_Fast_GET_ITEM(pair, 0);
        value = PySequence_Fast_GET_ITEM(pair, 1);

        if (!PyBytes_Check(name)) {
            PyErr_Format(PyExc_TypeError,
                         "'headers' item #%zd 'name' is not a byte string", i);
            return -1;
        }

        if (!PyBytes_Check(value)) {
            PyErr_Format(PyExc_TypeError,
                         "'headers' item #%zd 'value' is not a byte string",
                         i);
            return -1;
        }

        if (nxtpy_fields_add(fields, PyBytes_AS_STRING(name),
                             (size_t) PyBytes_GET_SIZE(name),
                             PyBytes_AS_STRING(value),
                             (size_t) PyBytes_GET_SIZE(value)) != 0)
        {
            return -1;
        }
    }

    return 0;
}


/*
 * A list or tuple as it is, borrowed; anything else becomes a tuple, which is
 * put into the list *keep.
 */
static PyObject *
keep_sequence(PyObject *object, PyObject **keep)
{
    int       rc;
    PyObject  *tuple;

    if (PyList_Check(object) || PyTuple_Check(object)) {
        return object;
    }

    if (*keep == NULL) {
        *keep = PyList_New(0);

        if (*keep == NULL) {
            return NULL;
        }
    }

    tuple = PySequence_Tuple(object);
    if (tuple == NULL) {
        return NULL;
    }

    rc = PyList_Append(*keep, tuple);

    Py_DECREF(tuple);

    return (rc == 0) ? tuple : NULL;
}
