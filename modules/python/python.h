/*
 * python.h: what the files of the Python language module share.
 *
 * The module is loaded by unitd through `nxt_app_module` and embeds its own
 * libunit.  An application process holds one interpreter, the configured
 * targets, and one context (a WSGI worker or an asyncio loop) per thread.
 */

#ifndef NXTPY_PYTHON_H
#define NXTPY_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include <nxt_main.h>
#include <nxt_router.h>

#include <nxt_unit.h>
#include <nxt_unit_request.h>
#include <nxt_unit_response.h>
#include <nxt_unit_field.h>

#include "compat.h"


#define NXTPY_UNUSED  __attribute__((unused))

/* A response without a declared length. */
#define NXTPY_NO_LENGTH  UINT64_MAX


/* One entry of "targets", or the application itself when it has none. */
typedef struct {
    PyObject  *application;
    bool      legacy;            /* ASGI 2: application(scope)(receive, send) */

    char      *prefix;           /* as it stands in the request path */
    size_t    prefix_length;
    PyObject  *prefix_latin1;    /* SCRIPT_NAME: bytes in the guise of str */
    PyObject  *prefix_utf8;      /* root_path */
} nxtpy_target_t;

extern nxtpy_target_t  *nxtpy_targets;
extern uint32_t        nxtpy_targets_count;


/*
 * What WSGI and ASGI implement.  Every function runs with the GIL held; the
 * functions that return int return NXT_UNIT_OK or NXT_UNIT_ERROR, the latter
 * after logging the reason.
 */
typedef struct {
    int   (*init)(nxt_unit_init_t *init, nxt_python_app_conf_t *conf);
    void  *(*context_new)(void);
    void  (*context_free)(void *context);
    int   (*startup)(void *context);      /* optional, in the thread that runs */
    int   (*run)(nxt_unit_ctx_t *ctx);
} nxtpy_protocol_t;

extern const nxtpy_protocol_t  nxtpy_wsgi;
extern const nxtpy_protocol_t  nxtpy_asgi;


/* interpreter.c */
nxt_int_t nxtpy_interpreter_start(nxt_task_t *task,
    nxt_python_app_conf_t *conf);
void nxtpy_print_exception(void);

/* targets.c */
nxt_int_t nxtpy_targets_load(nxt_task_t *task, nxt_common_app_conf_t *conf);
void nxtpy_targets_free(void);
bool nxtpy_target_match_prefix(const nxtpy_target_t *target, const char *path,
    size_t length);

/* detect.c */
bool nxtpy_is_asgi(PyObject *application);
bool nxtpy_is_asgi_legacy(PyObject *application);

/* threads.c */
int nxtpy_threads_prepare(const nxtpy_protocol_t *protocol,
    nxt_python_app_conf_t *conf);
int nxtpy_threads_start(nxt_unit_ctx_t *main_ctx);
void nxtpy_threads_join(void);


/*
 * Strings that never change, created once.  An array of nxtpy_name_t ends
 * with a NULL text.  They, like other constants and caches of the module, are
 * never given back: while the interpreter ends, an application may still run
 * code that needs them, and after that the process is gone.
 */
typedef struct {
    PyObject    **object;
    const char  *text;
} nxtpy_name_t;

/* names.c */
int nxtpy_names_init(const nxtpy_name_t *names);

/* A one-entry cache of a string that tends to repeat between requests. */
PyObject *nxtpy_recent_str(PyObject **recent, const char *start, size_t length);

/*
 * The Python forms of a request header's name, borrowed from a cache:
 * "HTTP_ACCEPT" as an interned str, and b"accept".  They stay valid until the
 * next call; the caller takes a reference at once.
 */
PyObject *nxtpy_header_environ_name(nxt_unit_field_t *field);
PyObject *nxtpy_header_bytes_name(nxt_unit_field_t *field);


/* request_body.c */
uint64_t nxtpy_body_available(nxt_unit_request_info_t *req);
ssize_t nxtpy_body_read(nxt_unit_request_info_t *req, char *dst, size_t size);
PyObject *nxtpy_body_read_bytes(nxt_unit_request_info_t *req, uint64_t limit);


/* A response header checked and ready to be sent; the text is borrowed. */
typedef struct {
    const char  *name;
    const char  *value;
    uint32_t    value_length;
    uint8_t     name_length;
} nxtpy_field_t;

#define NXTPY_FIELDS_INLINE  32

typedef struct {
    nxtpy_field_t  *items;
    size_t         count;
    size_t         capacity;
    size_t         size;               /* bytes of all names and values */
    uint64_t       content_length;     /* or NXTPY_NO_LENGTH */

    /* Log a bad Content-Length and leave it out, rather than raise. */
    nxt_unit_request_info_t  *lenient;

    nxtpy_field_t  inlined[NXTPY_FIELDS_INLINE];
} nxtpy_fields_t;

/* response.c; the int functions return -1 with a Python exception set. */
void nxtpy_fields_init(nxtpy_fields_t *fields);
void nxtpy_fields_free(nxtpy_fields_t *fields);
int nxtpy_fields_add(nxtpy_fields_t *fields, const char *name,
    size_t name_length, const char *value, size_t value_length);
int nxtpy_response_init(nxt_unit_request_info_t *req, long status,
    nxtpy_fields_t *fields);
bool nxtpy_response_append(nxt_unit_request_info_t *req, const char *start,
    size_t length);
bool nxtpy_request_is_head(nxt_unit_request_info_t *req);


#endif  /* NXTPY_PYTHON_H */
