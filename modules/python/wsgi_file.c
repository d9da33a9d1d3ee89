/*
 * wsgi_file.c: wsgi.file_wrapper (PEP 3333).
 *
 * The wrapper is an iterable over blocks of a file-like object.  If the
 * application returns it as is and the object is a plain regular file, the
 * gateway reads the file straight into shared memory, without the GIL and
 * without a Python object per block.
 */

#include "wsgi.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>


#define DEFAULT_BLOCK_SIZE  65536

/* How much is read into one buffer of shared memory. */
#define SEND_BLOCK_SIZE     (256 * 1024)


typedef struct {
    PyObject_HEAD

    PyObject    *file;
    Py_ssize_t  block_size;
} file_wrapper_t;


typedef struct {
    int    fd;
    off_t  offset;
    off_t  end;
    int    err;
} file_range_t;


static PyObject *file_new(PyTypeObject *type, PyObject *args, PyObject *kwds);
static void file_dealloc(PyObject *self);
static PyObject *file_next(PyObject *self);
static PyObject *file_close(PyObject *self, PyObject *none);
static int plain_file(PyObject *file, file_range_t *range);
static ssize_t read_range(nxt_unit_read_info_t *info, void *dst, size_t size);


static PyMethodDef  file_methods[] = {
    { "close", file_close, METH_NOARGS, "closes the wrapped file" },
    { NULL, NULL, 0, NULL },
};


PyTypeObject  nxtpy_wsgi_file_type = {
    PyVarObject_HEAD_INIT(NULL, 0)

    .tp_name      = "unit.FileWrapper",
    .tp_doc       = "FileWrapper(file, block_size=65536)",
    .tp_basicsize = sizeof(file_wrapper_t),
    .tp_flags     = Py_TPFLAGS_DEFAULT,
    .tp_new       = file_new,
    .tp_dealloc   = file_dealloc,
    .tp_iter      = PyObject_SelfIter,
    .tp_iternext  = file_next,
    .tp_methods   = file_methods,
};

/* The types whose content is that of their descriptor, byte by byte. */
static PyObject  *buffered_reader_type;
static PyObject  *file_io_type;

static PyObject  *read_str;


int
nxtpy_wsgi_file_init(void)
{
    PyObject  *io;

    read_str = PyUnicode_InternFromString("read");
    if (read_str == NULL || PyType_Ready(&nxtpy_wsgi_file_type) != 0) {
        return -1;
    }

    io = PyImport_ImportModule("io");
    if (io == NULL) {
        return -1;
    }

    buffered_reader_type = PyObject_GetAttrString(io, "BufferedReader");
    file_io_type = PyObject_GetAttrString(io, "FileIO");

    Py_DECREF(io);

    return (buffered_reader_type != NULL && file_io_type != NULL) ? 0 : -1;
}


static PyObject *
file_new(PyTypeObject *type, PyObject *args, PyObject *kwds)
{
    PyObject        *file;
    Py_ssize_t      block_size;
    file_wrapper_t  *self;

    if (kwds != NULL && PyDict_GET_SIZE(kwds) != 0) {
        return PyErr_Format(PyExc_TypeError,
                            "FileWrapper() takes no keyword arguments");
    }

    block_size = DEFAULT_BLOCK_SIZE;

    if (!PyArg_ParseTuple(args, "O|n", &file, &block_size)) {
        return NULL;
    }

    if (block_size <= 0) {
        return PyErr_Format(PyExc_ValueError, "the block size must be positive");
    }

    self = (file_wrapper_t *) type->tp_alloc(type, 0);

    if (self != NULL) {
        self->file = Py_NewRef(file);
        self->block_size = block_size;
    }

    return (PyObject *) self;
}


static void
file_dealloc(PyObject *self)
{
    Py_CLEAR(((file_wrapper_t *) self)->file);

    Py_TYPE(self)->tp_free(self);
}


static PyObject *
file_next(PyObject *self)
{
    int             more;
    PyObject        *size, *block;
    file_wrapper_t  *wrapper;

    wrapper = (file_wrapper_t *) self;

    size = PyLong_FromSsize_t(wrapper->block_size);
    if (size == NULL) {
        return NULL;
    }

    block = PyObject_CallMethodOneArg(wrapper->file, read_str, size);

    Py_DECREF(size);

    if (block == NULL) {
        return NULL;
    }

    more = PyObject_IsTrue(block);

    if (more != 1) {
        Py_CLEAR(block);
    }

    return block;
}


/* A file-like object need not have close(). */
static PyObject *
file_close(PyObject *self, PyObject *none NXTPY_UNUSED)
{
    PyObject        *close, *result;
    file_wrapper_t  *wrapper;

    wrapper = (file_wrapper_t *) self;

    close = PyObject_GetAttrString(wrapper->file, "close");

    if (close == NULL) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }

    result = PyObject_CallNoArgs(close);

    Py_DECREF(close);

    return result;
}


/*
 * Sends the file if that is possible in the short way; *sent says whether.
 * Otherwise nothing has happened, and the wrapper is to be iterated.
 */
int
nxtpy_wsgi_file_send(nxtpy_wsgi_request_t *request, PyObject *self, bool *sent)
{
    int                   rc;
    uint64_t              rest;
    file_range_t          range;
    PyThreadState         *state;
    nxt_unit_read_info_t  info;

    *sent = false;

    if (!nxt_unit_response_is_init(request->req)
        || plain_file(((file_wrapper_t *) self)->file, &range) != 0)
    {
        return NXT_UNIT_OK;
    }

    *sent = true;

    /* A declared length ends the body, even if the file goes on. */
    rest = request->content_length - request->bytes_sent;

    if ((uint64_t) (range.end - range.offset) > rest) {
        range.end = range.offset + (off_t) rest;
    }

    if (request->head || range.offset == range.end) {
        return NXT_UNIT_OK;
    }

    info.read = read_range;
    info.eof = 0;
    info.buf_size = SEND_BLOCK_SIZE;
    info.data = &range;

    if (range.end - range.offset < SEND_BLOCK_SIZE) {
        info.buf_size = (uint32_t) (range.end - range.offset);
    }

    request->bytes_sent += (uint64_t) (range.end - range.offset);
    request->busy = true;

    state = PyEval_SaveThread();

    rc = nxt_unit_response_write_cb(request->req, &info);

    PyEval_RestoreThread(state);

    request->busy = false;

    if (range.err != 0) {
        nxt_unit_req_error(request->req, "failed to read the file of the "
                           "response: %s (%d)", strerror(range.err), range.err);
    }

    return rc;
}


static ssize_t
read_range(nxt_unit_read_info_t *info, void *dst, size_t size)
{
    ssize_t       n;
    file_range_t  *range;

    range = info->data;

    if ((off_t) size > range->end - range->offset) {
        size = (size_t) (range->end - range->offset);
    }

    do {
        n = pread(range->fd, dst, size, range->offset);
    } while (n < 0 && errno == EINTR);

    if (n < 0) {
        range->err = errno;
        return -1;
    }

    range->offset += n;

    /* 0: the file became shorter meanwhile. */
    info->eof = (n == 0 || range->offset == range->end);

    return n;
}


/*
 * 0 if the object is exactly what open(..., "rb") returns for a regular file.
 * A subclass or another type with a fileno(), such as gzip.GzipFile, may have
 * a content of its own.  The position comes from tell(), since a buffered
 * reader may be ahead of it.
 */
static int
plain_file(PyObject *file, file_range_t *range)
{
    int          fd;
    PyObject     *raw, *position;
    long long    offset;
    struct stat  st;

    if ((PyObject *) Py_TYPE(file) == buffered_reader_type) {
        raw = PyObject_GetAttrString(file, "raw");

        if (raw == NULL || (PyObject *) Py_TYPE(raw) != file_io_type) {
            Py_XDECREF(raw);
            goto no;
        }

        Py_DECREF(raw);

    } else if ((PyObject *) Py_TYPE(file) != file_io_type) {
        return -1;
    }

    fd = PyObject_AsFileDescriptor(file);

    if (fd == -1 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        goto no;
    }

    position = PyObject_CallMethod(file, "tell", NULL);
    if (position == NULL) {
        goto no;
    }

    offset = PyLong_AsLongLong(position);

    Py_DECREF(position);

    if (offset < 0) {
        goto no;
    }

    range->fd = fd;
    range->offset = (off_t) offset;
    range->end = nxt_max(st.st_size, range->offset);
    range->err = 0;

    return 0;

no:

    /* Whatever is wrong with it shows again when it is iterated. */
    PyErr_Clear();

    return -1;
}
