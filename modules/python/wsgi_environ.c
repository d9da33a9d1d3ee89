/*
 * wsgi_environ.c: builds the environ of a request (PEP 3333).
 *
 * All str values are Latin-1 images of the bytes that came in.  Each environ
 * starts as a copy of a template that has every key that is always set, so
 * filling it in means replacing values, not growing a dict.
 */

#include "wsgi.h"


static int add_fixed(nxt_python_app_conf_t *conf);
static int add_request(PyObject *environ, nxt_unit_request_t *r,
    nxtpy_target_t *target);
static int add_path(PyObject *environ, nxt_unit_request_t *r,
    nxtpy_target_t *target);
static int add_headers(PyObject *environ, nxt_unit_request_t *r);
static int add_field(PyObject *environ, PyObject *name,
    nxt_unit_request_t *r, uint32_t index);
static PyObject *join_values(nxt_unit_field_t *first, uint32_t n,
    uint32_t length);
static int set(PyObject *environ, PyObject *name, PyObject *value);
static int set_recent(PyObject *environ, PyObject *name, PyObject **recent,
    nxt_unit_sptr_t *sptr, uint32_t length);


static PyObject  *template;

static PyObject  *content_length_str;
static PyObject  *content_type_str;
static PyObject  *https_str;
static PyObject  *path_info_str;
static PyObject  *query_string_str;
static PyObject  *remote_addr_str;
static PyObject  *request_method_str;
static PyObject  *request_uri_str;
static PyObject  *script_name_str;
static PyObject  *server_addr_str;
static PyObject  *server_name_str;
static PyObject  *server_port_str;
static PyObject  *server_protocol_str;
static PyObject  *wsgi_input_str;
static PyObject  *wsgi_url_scheme_str;

static const nxtpy_name_t  names[] = {
    { &content_length_str,  "CONTENT_LENGTH" },
    { &content_type_str,    "CONTENT_TYPE" },
    { &https_str,           "https" },
    { &path_info_str,       "PATH_INFO" },
    { &query_string_str,    "QUERY_STRING" },
    { &remote_addr_str,     "REMOTE_ADDR" },
    { &request_method_str,  "REQUEST_METHOD" },
    { &request_uri_str,     "REQUEST_URI" },
    { &script_name_str,     "SCRIPT_NAME" },
    { &server_addr_str,     "SERVER_ADDR" },
    { &server_name_str,     "SERVER_NAME" },
    { &server_port_str,     "SERVER_PORT" },
    { &server_protocol_str, "SERVER_PROTOCOL" },
    { &wsgi_input_str,      "wsgi.input" },
    { &wsgi_url_scheme_str, "wsgi.url_scheme" },
    { NULL,                 NULL },
};

/* The values of the previous request, likely to come again. */
static struct {
    PyObject  *method;
    PyObject  *protocol;
    PyObject  *remote_addr;
    PyObject  *server_addr;
    PyObject  *server_name;
    PyObject  *server_port;
} recent;


int
nxtpy_wsgi_environ_init(nxt_python_app_conf_t *conf)
{
    if (nxtpy_names_init(names) != NXT_UNIT_OK) {
        return NXT_UNIT_ERROR;
    }

    template = PyDict_New();

    if (template == NULL || add_fixed(conf) != 0) {
        nxt_unit_alert(NULL,
                       "Python failed to create the \"environ\" dictionary");
        nxtpy_print_exception();

        return NXT_UNIT_ERROR;
    }

    return NXT_UNIT_OK;
}


static int
add_fixed(nxt_python_app_conf_t *conf)
{
    size_t    i;
    PyObject  *errors;

    PyObject  *const variable[] = {
        request_method_str, request_uri_str, query_string_str, path_info_str,
        remote_addr_str, server_addr_str, server_port_str, server_name_str,
        server_protocol_str, wsgi_input_str,
    };

    errors = PySys_GetObject("stderr");
    if (errors == NULL) {
        errors = Py_None;
    }

#define ADD(name, value)                                                      \
    do {                                                                      \
        PyObject  *_name = PyUnicode_InternFromString(name);                  \
        int       _rc = (_name != NULL) ? set(template, _name, (value)) : -1; \
                                                                              \
        Py_XDECREF(_name);                                                    \
                                                                              \
        if (_rc != 0) {                                                       \
            return -1;                                                        \
        }                                                                     \
    } while (0)

    ADD("SERVER_SOFTWARE",
        PyUnicode_DecodeLatin1((char *) nxt_server.start,
                               (Py_ssize_t) nxt_server.length, NULL));
    ADD("wsgi.version", Py_BuildValue("(ii)", 1, 0));
    ADD("wsgi.multithread", PyBool_FromLong(conf->threads > 1));
    ADD("wsgi.multiprocess", PyBool_FromLong(1));
    ADD("wsgi.run_once", PyBool_FromLong(0));
    ADD("wsgi.errors", Py_NewRef(errors));
    ADD("wsgi.file_wrapper", Py_NewRef((PyObject *) &nxtpy_wsgi_file_type));
    ADD("wsgi.url_scheme", PyUnicode_InternFromString("http"));

#undef ADD

    for (i = 0; i < nxt_nitems(variable); i++) {
        if (PyDict_SetItem(template, variable[i], Py_None) != 0) {
            return -1;
        }
    }

    return 0;
}


/* A new environ; NULL with an exception. */
PyObject *
nxtpy_wsgi_environ(nxtpy_wsgi_request_t *request, nxtpy_target_t *target)
{
    PyObject            *environ;
    nxt_unit_request_t  *r;

    environ = PyDict_Copy(template);
    if (environ == NULL) {
        return NULL;
    }

    /* Brings fields of the same name together, to be joined. */
    nxt_unit_request_group_dup_fields(request->req);

    r = request->req->request;

    if (add_request(environ, r, target) != 0
        || add_headers(environ, r) != 0
        || PyDict_SetItem(environ, wsgi_input_str, (PyObject *) request) != 0)
    {
        Py_DECREF(environ);
        return NULL;
    }

    return environ;
}


static int
add_request(PyObject *environ, nxt_unit_request_t *r, nxtpy_target_t *target)
{
    PyObject  *query;

    query = PyUnicode_DecodeLatin1(nxt_unit_sptr_get(&r->query),
                                   r->query_length, NULL);

    if (set_recent(environ, request_method_str, &recent.method, &r->method,
                   r->method_length) != 0
        || set_recent(environ, server_protocol_str, &recent.protocol,
                      &r->version, r->version_length) != 0
        || set_recent(environ, remote_addr_str, &recent.remote_addr,
                      &r->remote, r->remote_length) != 0
        || set_recent(environ, server_addr_str, &recent.server_addr,
                      &r->local_addr, r->local_addr_length) != 0
        || set_recent(environ, server_port_str, &recent.server_port,
                      &r->local_port, r->local_port_length) != 0
        || set_recent(environ, server_name_str, &recent.server_name,
                      &r->server_name, r->server_name_length) != 0)
    {
        Py_XDECREF(query);
        return -1;
    }

    if (set(environ, query_string_str, query) != 0) {
        return -1;
    }

    if (r->tls
        && PyDict_SetItem(environ, wsgi_url_scheme_str, https_str) != 0)
    {
        return -1;
    }

    return add_path(environ, r, target);
}


static int
add_path(PyObject *environ, nxt_unit_request_t *r, nxtpy_target_t *target)
{
    size_t      length;
    PyObject    *uri, *path_info;
    const char  *path, *uri_text;

    path = nxt_unit_sptr_get(&r->path);
    length = r->path_length;
    uri_text = nxt_unit_sptr_get(&r->target);

    uri = PyUnicode_DecodeLatin1(uri_text, r->target_length, NULL);

    /* Mostly the path is the target: no query, nothing encoded, no prefix. */
    path_info = NULL;

    if (nxtpy_target_match_prefix(target, path, length)) {
        if (PyDict_SetItem(environ, script_name_str, target->prefix_latin1)
            != 0)
        {
            Py_XDECREF(uri);
            return -1;
        }

        path += target->prefix_length;
        length -= target->prefix_length;

    } else if (length == r->target_length
               && memcmp(path, uri_text, length) == 0)
    {
        path_info = Py_XNewRef(uri);
    }

    if (path_info == NULL) {
        path_info = PyUnicode_DecodeLatin1(path, (Py_ssize_t) length, NULL);
    }

    if (set(environ, request_uri_str, uri) != 0) {
        Py_XDECREF(path_info);
        return -1;
    }

    return set(environ, path_info_str, path_info);
}


static int
add_headers(PyObject *environ, nxt_unit_request_t *r)
{
    uint32_t          i, n, length;
    PyObject          *name;
    nxt_unit_field_t  *field;

    for (i = 0; i < r->fields_count; i += n) {
        field = &r->fields[i];
        length = field->value_length;

        /* Fields of one name stand together and share the name's text. */
        for (n = 1; i + n < r->fields_count; n++) {
            if (field[n].hash != field->hash
                || nxt_unit_sptr_get(&field[n].name)
                   != nxt_unit_sptr_get(&field->name))
            {
                break;
            }

            length += 2 + field[n].value_length;
        }

        name = nxtpy_header_environ_name(field);
        if (name == NULL) {
            return -1;
        }

        if (set(environ, name, join_values(field, n, length)) != 0) {
            return -1;
        }
    }

    if (add_field(environ, content_length_str, r, r->content_length_field)
        != 0)
    {
        return -1;
    }

    return add_field(environ, content_type_str, r, r->content_type_field);
}


static int
add_field(PyObject *environ, PyObject *name, nxt_unit_request_t *r,
    uint32_t index)
{
    nxt_unit_field_t  *field;

    if (index == NXT_UNIT_NONE_FIELD) {
        return 0;
    }

    field = &r->fields[index];

    return set(environ, name, join_values(field, 1, field->value_length));
}


/* The values of n fields as one str, with ", " in between. */
static PyObject *
join_values(nxt_unit_field_t *first, uint32_t n, uint32_t length)
{
    char      *buf, *p;
    uint32_t  i;
    PyObject  *str;

    if (n == 1) {
        return PyUnicode_DecodeLatin1(nxt_unit_sptr_get(&first->value),
                                      first->value_length, NULL);
    }

    buf = malloc(length);
    if (buf == NULL) {
        return PyErr_NoMemory();
    }

    p = buf;

    for (i = 0; i < n; i++) {
        if (i != 0) {
            *p++ = ',';
            *p++ = ' ';
        }

        memcpy(p, nxt_unit_sptr_get(&first[i].value), first[i].value_length);
        p += first[i].value_length;
    }

    str = PyUnicode_DecodeLatin1(buf, p - buf, NULL);

    free(buf);

    return str;
}


/* Consumes value; NULL is the error of whoever made it. */
static int
set(PyObject *environ, PyObject *name, PyObject *value)
{
    int  rc;

    if (value == NULL) {
        return -1;
    }

    rc = PyDict_SetItem(environ, name, value);

    Py_DECREF(value);

    return rc;
}


static int
set_recent(PyObject *environ, PyObject *name, PyObject **recent_str,
    nxt_unit_sptr_t *sptr, uint32_t length)
{
    return set(environ, name,
               nxtpy_recent_str(recent_str, nxt_unit_sptr_get(sptr), length));
}
