/*
 * response.c: checks response headers and hands them to libunit.
 */

#include "python.h"

#include <strings.h>


/*
 * Room for a small body beside the headers.  Shared memory comes in chunks of
 * 16 KiB, so it is mostly there anyway.
 */
#define BODY_ROOM  8192


static int grow(nxtpy_fields_t *fields);
static bool valid_name(const char *name, size_t length);
static int parse_content_length(const char *value, size_t length,
    uint64_t *result);
static int bad_content_length(nxtpy_fields_t *fields, const char *value,
    size_t length);


void
nxtpy_fields_init(nxtpy_fields_t *fields)
{
    fields->items = fields->inlined;
    fields->count = 0;
    fields->capacity = NXTPY_FIELDS_INLINE;
    fields->size = 0;
    fields->content_length = NXTPY_NO_LENGTH;
    fields->lenient = NULL;
}


void
nxtpy_fields_free(nxtpy_fields_t *fields)
{
    if (fields->items != fields->inlined) {
        free(fields->items);
    }
}


/*
 * Takes one header.  The text is not copied: the objects that hold it must
 * outlive the fields.
 */
int
nxtpy_fields_add(nxtpy_fields_t *fields, const char *name, size_t name_length,
    const char *value, size_t value_length)
{
    size_t         i;
    nxtpy_field_t  *field;

    i = fields->count;

    if (!valid_name(name, name_length)) {
        PyErr_Format(PyExc_ValueError, "header #%zu has an invalid name", i);
        return -1;
    }

    /* A line break would let the value forge further headers. */
    if (memchr(value, '\n', value_length) != NULL
        || memchr(value, '\r', value_length) != NULL
        || memchr(value, '\0', value_length) != NULL)
    {
        PyErr_Format(PyExc_ValueError,
                     "header #%zu has a value with a line break or a null "
                     "character", i);
        return -1;
    }

    if (value_length > INT32_MAX || fields->size > INT32_MAX) {
        PyErr_Format(PyExc_ValueError, "header #%zu is too big", i);
        return -1;
    }

    if (name_length == sizeof("content-length") - 1
        && strncasecmp(name, "content-length", name_length) == 0
        && parse_content_length(value, value_length, &fields->content_length)
           != 0)
    {
        return bad_content_length(fields, value, value_length);
    }

    if (i == fields->capacity && grow(fields) != 0) {
        return -1;
    }

    field = &fields->items[i];

    field->name = name;
    field->name_length = (uint8_t) name_length;
    field->value = value;
    field->value_length = (uint32_t) value_length;

    fields->count++;
    fields->size += name_length + value_length;

    return 0;
}


/*
 * Begins the response.  It is not sent yet, and may be begun anew until it is:
 * an application may put an error page in place of its first intent.
 */
int
nxtpy_response_init(nxt_unit_request_info_t *req, long status,
    nxtpy_fields_t *fields)
{
    size_t         i;
    nxtpy_field_t  *field;

    if (status < 100 || status > 999) {
        PyErr_Format(PyExc_ValueError, "invalid response status %ld", status);
        return -1;
    }

    if (nxt_unit_response_init(req, (uint16_t) status,
                               (uint32_t) fields->count,
                               (uint32_t) fields->size + BODY_ROOM)
        != NXT_UNIT_OK)
    {
        PyErr_SetString(PyExc_RuntimeError,
                        "failed to allocate response object");
        return -1;
    }

    for (i = 0; i < fields->count; i++) {
        field = &fields->items[i];

        if (nxt_unit_response_add_field(req, field->name, field->name_length,
                                        field->value, field->value_length)
            != NXT_UNIT_OK)
        {
            PyErr_Format(PyExc_RuntimeError, "failed to add header #%zu", i);
            return -1;
        }
    }

    return 0;
}


/*
 * Puts the whole rest of the body beside the headers if these have not left
 * yet and there is room; nxt_unit_request_done() then sends everything as one
 * message.
 */
bool
nxtpy_response_append(nxt_unit_request_info_t *req, const char *start,
    size_t length)
{
    nxt_unit_buf_t  *buf;

    buf = req->response_buf;

    return buf != NULL
           && (size_t) (buf->end - buf->free) >= length
           && nxt_unit_response_add_content(req, start, (uint32_t) length)
              == NXT_UNIT_OK;
}


/* The response to HEAD has the headers only, whatever the application does. */
bool
nxtpy_request_is_head(nxt_unit_request_info_t *req)
{
    return req->request->method_length == 4
           && memcmp(nxt_unit_sptr_get(&req->request->method), "HEAD", 4) == 0;
}


static int
grow(nxtpy_fields_t *fields)
{
    size_t         capacity;
    nxtpy_field_t  *items;

    capacity = fields->capacity * 2;

    if (fields->items == fields->inlined) {
        items = malloc(capacity * sizeof(nxtpy_field_t));

        if (items != NULL) {
            memcpy(items, fields->inlined, sizeof(fields->inlined));
        }

    } else {
        items = realloc(fields->items, capacity * sizeof(nxtpy_field_t));
    }

    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }

    fields->items = items;
    fields->capacity = capacity;

    return 0;
}


/* What cannot stand in a name: controls, space, colon, and non-ASCII. */
static bool
valid_name(const char *name, size_t length)
{
    size_t         i;
    unsigned char  c;

    if (length == 0 || length > UINT8_MAX) {
        return false;
    }

    for (i = 0; i < length; i++) {
        c = (unsigned char) name[i];

        if (c <= ' ' || c >= 0x7F || c == ':') {
            return false;
        }
    }

    return true;
}


static int
parse_content_length(const char *value, size_t length, uint64_t *result)
{
    size_t    i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9' || n > (UINT64_MAX / 10 - 10)) {
            return -1;
        }

        n = n * 10 + (uint64_t) (value[i] - '0');
    }

    if (length == 0) {
        return -1;
    }

    *result = n;

    return 0;
}


/*
 * WSGI applications get away with it: the field is left out, so that the
 * router finds another way to mark the end of the body.
 */
static int
bad_content_length(nxtpy_fields_t *fields, const char *value, size_t length)
{
    char  text[64];

    (void) snprintf(text, sizeof(text), "%.*s",
                    (int) nxt_min(length, sizeof(text) - 1), value);

    if (fields->lenient != NULL) {
        nxt_unit_req_error(fields->lenient,
                           "failed to parse Content-Length value %s", text);
        return 0;
    }

    PyErr_Format(PyExc_ValueError, "Failed to parse Content-Length: '%s'",
                 text);
    return -1;
}
