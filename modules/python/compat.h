/*
 * compat.h: one spelling of the CPython API from 3.8 to 3.13.
 */

#ifndef NXTPY_COMPAT_H
#define NXTPY_COMPAT_H

#if PY_VERSION_HEX < 0x03080000
#error "Python 3.8 or newer is required"
#endif

#if PY_VERSION_HEX < 0x03090000

#define PyObject_Vectorcall  _PyObject_Vectorcall

static inline PyObject *
PyObject_CallNoArgs(PyObject *callable)
{
    return PyObject_CallObject(callable, NULL);
}

static inline PyObject *
PyObject_CallOneArg(PyObject *callable, PyObject *arg)
{
    return PyObject_CallFunctionObjArgs(callable, arg, NULL);
}

static inline PyObject *
PyObject_CallMethodNoArgs(PyObject *self, PyObject *name)
{
    return PyObject_CallMethodObjArgs(self, name, NULL);
}

static inline PyObject *
PyObject_CallMethodOneArg(PyObject *self, PyObject *name, PyObject *arg)
{
    return PyObject_CallMethodObjArgs(self, name, arg, NULL);
}

#endif

#if PY_VERSION_HEX < 0x030A0000

static inline PyObject *
Py_NewRef(PyObject *object)
{
    Py_INCREF(object);
    return object;
}

static inline PyObject *
Py_XNewRef(PyObject *object)
{
    Py_XINCREF(object);
    return object;
}

#endif

/*
 * The text of a str as Latin-1, without a copy; NULL if a character lies
 * outside of Latin-1 (no exception is set).
 */
static inline const char *
nxtpy_latin1(PyObject *str, size_t *length)
{
#if PY_VERSION_HEX < 0x030C0000
    if (PyUnicode_READY(str) != 0) {
        PyErr_Clear();
        return NULL;
    }
#endif

    if (PyUnicode_KIND(str) != PyUnicode_1BYTE_KIND) {
        return NULL;
    }

    *length = (size_t) PyUnicode_GET_LENGTH(str);

    return (const char *) PyUnicode_1BYTE_DATA(str);
}

/* METH_FASTCALL functions travel as PyCFunction. */
#define NXTPY_METHOD(function)  ((PyCFunction) (void (*)(void)) (function))

#endif  /* NXTPY_COMPAT_H */
