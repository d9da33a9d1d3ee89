/*
 * names.c: strings made once and used for every request: constant names, a
 * memory of recent values, and the names of request headers.
 *
 * All of it is guarded by the GIL.
 */

#include "python.h"


/*
 * Header names repeat from request to request.  Each slot remembers one name
 * as the client wrote it, found by the hash that the router computes (which
 * ignores case).  A collision replaces the slot, so the memory is bounded
 * whatever clients send.
 */
#define HEADER_SLOTS     128
#define HEADER_NAME_MAX  64

typedef struct {
    uint8_t   length;                 /* 0: the slot is free */
    char      name[HEADER_NAME_MAX];
    PyObject  *environ_name;
    PyObject  *bytes_name;
} header_slot_t;


static header_slot_t *find_slot(nxt_unit_field_t *field);
static void clear_slot(header_slot_t *slot);
static PyObject *make_environ_name(const char *name, uint8_t length);
static PyObject *make_bytes_name(const char *name, uint8_t length);


static header_slot_t  slots[HEADER_SLOTS];

/* Serves names that are too long for a slot. */
static header_slot_t  overflow;


int
nxtpy_names_init(const nxtpy_name_t *names)
{
    for ( /* void */; names->text != NULL; names++) {
        *names->object = PyUnicode_InternFromString(names->text);

        if (*names->object == NULL) {
            nxt_unit_alert(NULL, "Python failed to create string \"%s\"",
                           names->text);
            nxtpy_print_exception();

            return NXT_UNIT_ERROR;
        }
    }

    return NXT_UNIT_OK;
}


/* A new reference to a Latin-1 str, the previous one if it says the same. */
PyObject *
nxtpy_recent_str(PyObject **recent, const char *start, size_t length)
{
    size_t      n;
    PyObject    *str;
    const char  *text;

    if (*recent != NULL) {
        text = nxtpy_latin1(*recent, &n);

        if (text != NULL && n == length && memcmp(text, start, n) == 0) {
            return Py_NewRef(*recent);
        }
    }

    str = PyUnicode_DecodeLatin1(start, (Py_ssize_t) length, NULL);

    if (str != NULL) {
        Py_XDECREF(*recent);
        *recent = Py_NewRef(str);
    }

    return str;
}


PyObject *
nxtpy_header_environ_name(nxt_unit_field_t *field)
{
    header_slot_t  *slot;

    slot = find_slot(field);

    if (slot->environ_name == NULL) {
        slot->environ_name = make_environ_name(nxt_unit_sptr_get(&field->name),
                                               field->name_length);
    }

    return slot->environ_name;
}


PyObject *
nxtpy_header_bytes_name(nxt_unit_field_t *field)
{
    header_slot_t  *slot;

    slot = find_slot(field);

    if (slot->bytes_name == NULL) {
        slot->bytes_name = make_bytes_name(nxt_unit_sptr_get(&field->name),
                                           field->name_length);
    }

    return slot->bytes_name;
}


static header_slot_t *
find_slot(nxt_unit_field_t *field)
{
    const char     *name;
    header_slot_t  *slot;

    if (field->name_length == 0 || field->name_length > HEADER_NAME_MAX) {
        clear_slot(&overflow);

        return &overflow;
    }

    name = nxt_unit_sptr_get(&field->name);
    slot = &slots[(field->hash ^ (field->hash >> 7)) % HEADER_SLOTS];

    if (slot->length != field->name_length
        || memcmp(slot->name, name, slot->length) != 0)
    {
        clear_slot(slot);

        slot->length = field->name_length;
        memcpy(slot->name, name, slot->length);
    }

    return slot;
}


static void
clear_slot(header_slot_t *slot)
{
    slot->length = 0;

    Py_CLEAR(slot->environ_name);
    Py_CLEAR(slot->bytes_name);
}


/* "Accept-Language" is HTTP_ACCEPT_LANGUAGE in a WSGI environ (CGI). */
static PyObject *
make_environ_name(const char *name, uint8_t length)
{
    char      buf[sizeof("HTTP_") - 1 + UINT8_MAX], *p;
    uint8_t   i;
    PyObject  *str;

    memcpy(buf, "HTTP_", 5);
    p = buf + 5;

    for (i = 0; i < length; i++) {
        if (name[i] >= 'a' && name[i] <= 'z') {
            *p++ = (char) (name[i] - ('a' - 'A'));

        } else {
            *p++ = (name[i] == '-') ? '_' : name[i];
        }
    }

    str = PyUnicode_DecodeLatin1(buf, p - buf, NULL);

    /* The hash is computed here once, not in every environ. */
    if (str != NULL) {
        (void) PyObject_Hash(str);
    }

    return str;
}


/* ASGI wants header names in lower case. */
static PyObject *
make_bytes_name(const char *name, uint8_t length)
{
    char      *p;
    uint8_t   i;
    PyObject  *bytes;

    bytes = PyBytes_FromStringAndSize(NULL, length);
    if (bytes == NULL) {
        return NULL;
    }

    p = PyBytes_AS_STRING(bytes);

    for (i = 0; i < length; i++) {
        p[i] = (name[i] >= 'A' && name[i] <= 'Z')
               ? (char) (name[i] + ('a' - 'A')) : name[i];
    }

    return bytes;
}
