/*
 * asgi_names.c: makes the strings of asgi_names.h.
 */

#include "python.h"
#include "asgi_names.h"


#define DEFINE_NAME(name, text)  PyObject  *nxtpy_str_##name;
#define LIST_NAME(name, text)    { &nxtpy_str_##name, text },

NXTPY_ASGI_NAMES(DEFINE_NAME)

static const nxtpy_name_t  names[] = {
    NXTPY_ASGI_NAMES(LIST_NAME)
    { NULL, NULL },
};


int
nxtpy_asgi_names_init(void)
{
    return nxtpy_names_init(names);
}


