/* A variable argument list that Rust fetches from, argument by argument. */

#ifndef NXT_CAPI_VARIADIC_H
#define NXT_CAPI_VARIADIC_H

#include <stdarg.h>

#define EXPORT  __attribute__((visibility("default")))

typedef struct {
    va_list  list;
} nxt_va_source_t;

#endif /* NXT_CAPI_VARIADIC_H */
