/*
 * request_body.c: reading the request body, which libunit holds in shared
 * memory, in a temporary file, or in both.
 */

#include "python.h"

#include <errno.h>


static uint64_t body_in_memory(nxt_unit_request_info_t *req);


/*
 * Bytes that can be read now.  Less than req->content_length while the router
 * still has to send a part of the body.
 */
uint64_t
nxtpy_body_available(nxt_unit_request_info_t *req)
{
    uint64_t  n;

    if (req->content_fd != -1) {
        return req->content_length;
    }

    n = body_in_memory(req);

    return nxt_min(n, req->content_length);
}


/*
 * Reads up to size bytes.  The count is short only at the end of what is
 * there; -1 with errno if the file cannot be read.
 *
 * nxt_unit_request_read() must not be asked to cross from the memory into the
 * file in one call: some versions then write both parts to the same place.
 */
ssize_t
nxtpy_body_read(nxt_unit_request_info_t *req, char *dst, size_t size)
{
    size_t    done, part;
    ssize_t   n;
    uint64_t  memory;

    for (done = 0; done < size; done += (size_t) n) {
        part = size - done;

        if (req->content_fd != -1) {
            memory = body_in_memory(req);

            if (memory != 0 && memory < part) {
                part = (size_t) memory;
            }
        }

        n = nxt_unit_request_read(req, dst + done, part);

        if (n < 0) {
            errno = (errno != 0) ? errno : EIO;
            return -1;
        }

        if (n == 0) {
            break;
        }
    }

    return (ssize_t) done;
}


/* What is there as bytes, at most limit; NULL with an exception. */
PyObject *
nxtpy_body_read_bytes(nxt_unit_request_info_t *req, uint64_t limit)
{
    ssize_t   n;
    uint64_t  size;
    PyObject  *bytes;

    size = nxtpy_body_available(req);
    size = nxt_min(size, limit);

    bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t) size);
    if (bytes == NULL || size == 0) {
        return bytes;
    }

    n = nxtpy_body_read(req, PyBytes_AS_STRING(bytes), (size_t) size);

    if (n < 0) {
        Py_DECREF(bytes);

        return PyErr_SetFromErrno(PyExc_OSError);
    }

    if ((uint64_t) n < size) {
        /* On failure it sets bytes to NULL and an exception. */
        (void) _PyBytes_Resize(&bytes, n);
    }

    return bytes;
}


static uint64_t
body_in_memory(nxt_unit_request_info_t *req)
{
    uint64_t        n;
    nxt_unit_buf_t  *buf;

    n = 0;

    for (buf = req->content_buf; buf != NULL; buf = nxt_unit_buf_next(buf)) {
        n += (uint64_t) (buf->end - buf->free);
    }

    return n;
}
