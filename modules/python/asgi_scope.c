/*
 * asgi_scope.c: builds the scope of a connection.
 *
 * As with the WSGI environ, a scope starts as a copy of a template that has
 * all the keys, and the values that rarely change are remembered.
 */

#include "asgi.h"

#include <strings.h>


/* A (host, port) pair and the text that it was made of. */
typedef struct {
    PyObject  *pair;
    char      text[96];
    size_t    length;
} address_t;


static PyObject *make_template(PyObject *type, PyObject *scheme);
static int add_path(PyObject *scope, nxt_unit_request_t *r,
    nxtpy_target_t *target);
static int add_addresses(PyObject *scope, nxt_unit_request_t *r);
static int add_headers(PyObject *scope, nxt_unit_request_t *r);
static int add_subprotocols(PyObject *scope, nxt_unit_request_t *r);
static int append_subprotocols(PyObject *list, const char *p, const char *end);
static PyObject *make_header(nxt_unit_field_t *field);
static PyObject *address_pair(address_t *recent, const char *host,
    size_t host_length, const char *port, size_t port_length);
static PyObject *make_pair(const char *host, size_t host_length,
    const char *port, size_t port_length);
static int set(PyObject *dict, PyObject *key, PyObject *value);


/* What an ASGI 3 application sees of the versions. */
static PyObject  *asgi_http;
static PyObject  *asgi_lifespan;

static PyObject  *http_template;
static PyObject  *websocket_template;

static PyObject   *recent_method;
static address_t  recent_client;
static address_t  recent_server;


int
nxtpy_asgi_scope_init(void)
{
    asgi_http = PyDict_New();
    asgi_lifespan = PyDict_New();

    if (asgi_http == NULL
        || asgi_lifespan == NULL
        || PyDict_SetItem(asgi_http, nxtpy_str_version, nxtpy_str_v3_0) != 0
        || PyDict_SetItem(asgi_http, nxtpy_str_spec_version,
                          nxtpy_str_v2_1) != 0
        || PyDict_SetItem(asgi_lifespan, nxtpy_str_version,
                          nxtpy_str_v3_0) != 0
        || PyDict_SetItem(asgi_lifespan, nxtpy_str_spec_version,
                          nxtpy_str_v2_0) != 0)
    {
        return -1;
    }

    http_template = make_template(nxtpy_str_http, nxtpy_str_http);
    websocket_template = make_template(nxtpy_str_websocket, nxtpy_str_ws);

    return (http_template != NULL && websocket_template != NULL) ? 0 : -1;
}


static PyObject *
make_template(PyObject *type, PyObject *scheme)
{
    size_t    i;
    PyObject  *scope;

    const struct {
        PyObject  *key;
        PyObject  *value;
    } items[] = {
        { nxtpy_str_type,         type },
        { nxtpy_str_asgi,         Py_None },
        { nxtpy_str_http_version, nxtpy_str_v1_1 },
        { nxtpy_str_scheme,       scheme },
        { nxtpy_str_path,         Py_None },
        { nxtpy_str_raw_path,     Py_None },
        { nxtpy_str_query_string, Py_None },
        { nxtpy_str_client,       Py_None },
        { nxtpy_str_server,       Py_None },
        { nxtpy_str_headers,      Py_None },
        { nxtpy_str_state,        Py_None },

        /* A plain request has the one, a WebSocket the other. */
        { (type == nxtpy_str_http) ? nxtpy_str_method : nxtpy_str_subprotocols,
          Py_None },
    };

    scope = PyDict_New();

    for (i = 0; scope != NULL && i < nxt_nitems(items); i++) {
        if (PyDict_SetItem(scope, items[i].key, items[i].value) != 0) {
            Py_CLEAR(scope);
        }
    }

    return scope;
}


/* A new scope; NULL with an exception. */
PyObject *
nxtpy_asgi_scope(nxt_unit_request_info_t *req, nxtpy_target_t *target,
    PyObject *state)
{
    int                 rc;
    PyObject            *scope;
    const char          *version;
    nxt_unit_request_t  *r;

    r = req->request;

    scope = PyDict_Copy(r->websocket_handshake ? websocket_template
                                               : http_template);
    if (scope == NULL) {
        return NULL;
    }

    if (r->websocket_handshake) {
        rc = add_subprotocols(scope, r);

        if (rc == 0 && r->tls) {
            rc = PyDict_SetItem(scope, nxtpy_str_scheme, nxtpy_str_wss);
        }

    } else {
        rc = set(scope, nxtpy_str_method,
                 nxtpy_recent_str(&recent_method, nxt_unit_sptr_get(&r->method),
                                  r->method_length));

        if (rc == 0 && r->tls) {
            rc = PyDict_SetItem(scope, nxtpy_str_scheme, nxtpy_str_https);
        }
    }

    version = nxt_unit_sptr_get(&r->version);

    if (rc == 0 && r->version_length == 8 && version[7] == '0') {
        rc = PyDict_SetItem(scope, nxtpy_str_http_version, nxtpy_str_v1_0);
    }

    if (rc != 0
        || set(scope, nxtpy_str_asgi, PyDict_Copy(asgi_http)) != 0
        || add_path(scope, r, target) != 0
        || add_addresses(scope, r) != 0
        || add_headers(scope, r) != 0
        || PyDict_SetItem(scope, nxtpy_str_state, state) != 0)
    {
        Py_DECREF(scope);
        return NULL;
    }

    return scope;
}


PyObject *
nxtpy_asgi_lifespan_scope(PyObject *state)
{
    PyObject  *scope;

    scope = nxtpy_message_new(nxtpy_str_lifespan);

    if (scope != NULL
        && (set(scope, nxtpy_str_asgi, PyDict_Copy(asgi_lifespan)) != 0
            || PyDict_SetItem(scope, nxtpy_str_state, state) != 0))
    {
        Py_CLEAR(scope);
    }

    return scope;
}


static int
add_path(PyObject *scope, nxt_unit_request_t *r, nxtpy_target_t *target)
{
    const char  *path, *uri, *query;
    Py_ssize_t  uri_length;

    path = nxt_unit_sptr_get(&r->path);
    uri = nxt_unit_sptr_get(&r->target);
    query = nxt_unit_sptr_get(&r->query);

    /* The query lies within the target, behind the question mark. */
    uri_length = (r->query.offset != 0) ? query - uri - 1
                                        : (Py_ssize_t) r->target_length;

    if (nxtpy_target_match_prefix(target, path, r->path_length)
        && PyDict_SetItem(scope, nxtpy_str_root_path, target->prefix_utf8) != 0)
    {
        return -1;
    }

    if (set(scope, nxtpy_str_path,
            PyUnicode_DecodeUTF8(path, r->path_length, "replace")) != 0
        || set(scope, nxtpy_str_raw_path,
               PyBytes_FromStringAndSize(uri, uri_length)) != 0)
    {
        return -1;
    }

    return set(scope, nxtpy_str_query_string,
               PyBytes_FromStringAndSize(query, r->query_length));
}


static int
add_addresses(PyObject *scope, nxt_unit_request_t *r)
{
    PyObject  *client, *server;

    /* The router does not tell the client's port. */
    client = address_pair(&recent_client, nxt_unit_sptr_get(&r->remote),
                          r->remote_length, "0", 1);

    if (set(scope, nxtpy_str_client, client) != 0) {
        return -1;
    }

    server = address_pair(&recent_server, nxt_unit_sptr_get(&r->local_addr),
                          r->local_addr_length,
                          nxt_unit_sptr_get(&r->local_port),
                          r->local_port_length);

    return set(scope, nxtpy_str_server, server);
}


static PyObject *
address_pair(address_t *recent, const char *host, size_t host_length,
    const char *port, size_t port_length)
{
    char      text[sizeof(recent->text)];
    size_t    length;
    PyObject  *pair;

    length = host_length + 1 + port_length;

    if (length > sizeof(text)) {
        return make_pair(host, host_length, port, port_length);
    }

    memcpy(text, host, host_length);
    text[host_length] = '\0';
    memcpy(text + host_length + 1, port, port_length);

    if (recent->pair != NULL
        && recent->length == length
        && memcmp(recent->text, text, length) == 0)
    {
        return Py_NewRef(recent->pair);
    }

    pair = make_pair(host, host_length, port, port_length);

    if (pair != NULL) {
        Py_XDECREF(recent->pair);

        recent->pair = Py_NewRef(pair);
        recent->length = length;
        memcpy(recent->text, text, length);
    }

    return pair;
}


static PyObject *
make_pair(const char *host, size_t host_length, const char *port,
    size_t port_length)
{
    long    number;
    size_t  i;

    /* A unix socket has a path and no port. */
    if (host_length >= 5 && memcmp(host, "unix:", 5) == 0) {
        return Py_BuildValue("(NO)",
                             PyUnicode_DecodeLatin1(host + 5, host_length - 5,
                                                    NULL),
                             Py_None);
    }

    number = 0;

    for (i = 0; i < port_length && i < 5; i++) {
        number = number * 10 + (port[i] - '0');
    }

    return Py_BuildValue("(Nl)",
                         PyUnicode_DecodeLatin1(host, host_length, NULL),
                         number);
}


static int
add_headers(PyObject *scope, nxt_unit_request_t *r)
{
    uint32_t  i;
    PyObject  *headers, *header;

    headers = PyTuple_New(r->fields_count);
    if (headers == NULL) {
        return -1;
    }

    for (i = 0; i < r->fields_count; i++) {
        header = make_header(&r->fields[i]);

        if (header == NULL) {
            Py_DECREF(headers);
            return -1;
        }

        PyTuple_SET_ITEM(headers, i, header);
    }

    return set(scope, nxtpy_str_headers, headers);
}


static PyObject *
make_header(nxt_unit_field_t *field)
{
    PyObject  *header, *name, *value;

    header = PyTuple_New(2);
    if (header == NULL) {
        return NULL;
    }

    name = nxtpy_header_bytes_name(field);
    value = PyBytes_FromStringAndSize(nxt_unit_sptr_get(&field->value),
                                      field->value_length);

    PyTuple_SET_ITEM(header, 0, Py_XNewRef(name));
    PyTuple_SET_ITEM(header, 1, value);

    if (name == NULL || value == NULL) {
        Py_CLEAR(header);
    }

    return header;
}


/* Sec-WebSocket-Protocol is a comma-separated list, and may be repeated. */
static int
add_subprotocols(PyObject *scope, nxt_unit_request_t *r)
{
    int               rc;
    uint32_t          i;
    PyObject          *list;
    const char        *value;
    nxt_unit_field_t  *field;

    static const char  name[] = "sec-websocket-protocol";

    list = PyList_New(0);
    if (list == NULL) {
        return -1;
    }

    rc = 0;

    for (i = 0; rc == 0 && i < r->fields_count; i++) {
        field = &r->fields[i];

        if (field->name_length == sizeof(name) - 1
            && strncasecmp(nxt_unit_sptr_get(&field->name), name,
                           sizeof(name) - 1) == 0)
        {
            value = nxt_unit_sptr_get(&field->value);
            rc = append_subprotocols(list, value, value + field->value_length);
        }
    }

    if (rc == 0) {
        rc = set(scope, nxtpy_str_subprotocols, PyList_AsTuple(list));
    }

    Py_DECREF(list);

    return rc;
}


static int
append_subprotocols(PyObject *list, const char *p, const char *end)
{
    int         rc;
    PyObject    *str;
    const char  *comma, *last;

    for ( /* void */; p < end; p = comma + 1) {
        comma = memchr(p, ',', (size_t) (end - p));

        if (comma == NULL) {
            comma = end;
        }

        while (p < comma && (*p == ' ' || *p == '\t')) {
            p++;
        }

        last = comma;

        while (last > p && (last[-1] == ' ' || last[-1] == '\t')) {
            last--;
        }

        if (p == last) {
            continue;
        }

        str = PyUnicode_DecodeLatin1(p, last - p, NULL);

        rc = (str != NULL) ? PyList_Append(list, str) : -1;

        Py_XDECREF(str);

        if (rc != 0) {
            return -1;
        }
    }

    return 0;
}


/* Consumes value; NULL is the error of whoever made it. */
static int
set(PyObject *dict, PyObject *key, PyObject *value)
{
    int  rc;

    if (value == NULL) {
        return -1;
    }

    rc = PyDict_SetItem(dict, key, value);

    Py_DECREF(value);

    return rc;
}
