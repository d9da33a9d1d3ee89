/*
 * The variadic log handler.  Only C can define a function with "..." and walk
 * its va_list, so the list stays here; the format is read and the record
 * written by Rust (src/capi/log.rs), which fetches argument by argument.
 */

#include <stdarg.h>
#include <stdint.h>

struct nxt_log_s;

typedef struct {
    va_list  list;
} nxt_va_source_t;

void nxt_log_vhandler(unsigned level, struct nxt_log_s *log, const char *fmt,
    nxt_va_source_t *source);

int nxt_va_int(nxt_va_source_t *source);
int64_t nxt_va_long(nxt_va_source_t *source);
double nxt_va_double(nxt_va_source_t *source);
void *nxt_va_pointer(nxt_va_source_t *source);

__attribute__((visibility("default")))
void nxt_log_handler(unsigned level, struct nxt_log_s *log, const char *fmt,
    ...);


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
