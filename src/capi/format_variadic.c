/*
 * The variadic log handlers and formatters.  Only C can define a function with
 * "..." and walk its va_list, so the list stays here; the format is read by
 * Rust (src/capi/log.rs, src/capi/sprintf.rs), which fetches argument by
 * argument.
 */

#include <stdint.h>

#include "variadic.h"

struct nxt_log_s;

void nxt_log_vhandler(unsigned level, struct nxt_log_s *log, const char *fmt,
    nxt_va_source_t *source);
void nxt_log_time_vhandler(unsigned level, struct nxt_log_s *log,
    const char *fmt, nxt_va_source_t *source);
unsigned char *nxt_format(unsigned char *buf, unsigned char *end,
    const char *fmt, nxt_va_source_t *source);

int nxt_va_int(nxt_va_source_t *source);
int64_t nxt_va_long(nxt_va_source_t *source);
double nxt_va_double(nxt_va_source_t *source);
void *nxt_va_pointer(nxt_va_source_t *source);

EXPORT void nxt_log_handler(unsigned level, struct nxt_log_s *log,
    const char *fmt, ...);
EXPORT void nxt_log_time_handler(unsigned level, struct nxt_log_s *log,
    const char *fmt, ...);
EXPORT unsigned char *nxt_sprintf(unsigned char *buf, unsigned char *end,
    const char *fmt, ...);
EXPORT unsigned char *nxt_vsprintf(unsigned char *buf, unsigned char *end,
    const char *fmt, va_list args);


int
nxt_va_int(nxt_va_source_t *source)
{
    return va_arg(source->list, int);
}


int64_t
nxt_va_long(nxt_va_source_t *source)
{
    return va_arg(source->list, int64_t);
}


double
nxt_va_double(nxt_va_source_t *source)
{
    return va_arg(source->list, double);
}


void *
nxt_va_pointer(nxt_va_source_t *source)
{
    return va_arg(source->list, void *);
}


void
nxt_log_handler(unsigned level, struct nxt_log_s *log, const char *fmt, ...)
{
    nxt_va_source_t  source;

    va_start(source.list, fmt);
    nxt_log_vhandler(level, log, fmt, &source);
    va_end(source.list);
}


void
nxt_log_time_handler(unsigned level, struct nxt_log_s *log, const char *fmt,
    ...)
{
    nxt_va_source_t  source;

    va_start(source.list, fmt);
    nxt_log_time_vhandler(level, log, fmt, &source);
    va_end(source.list);
}


unsigned char *
nxt_sprintf(unsigned char *buf, unsigned char *end, const char *fmt, ...)
{
    unsigned char    *p;
    nxt_va_source_t  source;

    va_start(source.list, fmt);
    p = nxt_format(buf, end, fmt, &source);
    va_end(source.list);

    return p;
}


unsigned char *
nxt_vsprintf(unsigned char *buf, unsigned char *end, const char *fmt,
    va_list args)
{
    unsigned char    *p;
    nxt_va_source_t  source;

    va_copy(source.list, args);
    p = nxt_format(buf, end, fmt, &source);
    va_end(source.list);

    return p;
}
