/*
 * wsgi.h: shared by the WSGI files.
 */

#ifndef NXTPY_WSGI_H
#define NXTPY_WSGI_H

#include "python.h"


/*
 * The gateway's side of one request.  To the application it is `wsgi.input`;
 * `start_response` and `write` are methods bound to it.  A thread uses the
 * object again for its next request, unless the application kept one of the
 * three: then `req` becomes NULL, and what was kept answers with an exception.
 */
typedef struct {
    PyObject_HEAD

    nxt_unit_request_info_t  *req;
    uint64_t                 content_length;  /* or NXTPY_NO_LENGTH */
    uint64_t                 bytes_sent;
    PyObject                 *start_response;
    PyObject                 *write;
    bool                     head;
    bool                     busy;  /* libunit works on req without the GIL */
} nxtpy_wsgi_request_t;


/* wsgi_request.c */
int nxtpy_wsgi_request_init(void);
nxtpy_wsgi_request_t *nxtpy_wsgi_request_new(void);
bool nxtpy_wsgi_request_reusable(nxtpy_wsgi_request_t *request);
void nxtpy_wsgi_request_free(nxtpy_wsgi_request_t *request);
int nxtpy_wsgi_check(nxtpy_wsgi_request_t *request, const char *what);

/* wsgi_environ.c */
int nxtpy_wsgi_environ_init(nxt_python_app_conf_t *conf);
PyObject *nxtpy_wsgi_environ(nxtpy_wsgi_request_t *request,
    nxtpy_target_t *target);

/* wsgi_input.c */
extern PyMethodDef  nxtpy_wsgi_input_methods[];
PyObject *nxtpy_wsgi_input_next(PyObject *self);

/* wsgi_response.c */
extern PyMethodDef  nxtpy_wsgi_start_response_def;
extern PyMethodDef  nxtpy_wsgi_write_def;
int nxtpy_wsgi_send(nxtpy_wsgi_request_t *request, PyObject *bytes, bool last);

/* wsgi_file.c */
extern PyTypeObject  nxtpy_wsgi_file_type;
int nxtpy_wsgi_file_init(void);
int nxtpy_wsgi_file_send(nxtpy_wsgi_request_t *request, PyObject *wrapper,
    bool *sent);


#endif  /* NXTPY_WSGI_H */
