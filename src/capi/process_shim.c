/*
 * The variadic nxt_process_title(): C owns the va_list, and the one formatter
 * makes the text.
 */

#include <stdarg.h>
#include <stddef.h>

#define EXPORT  __attribute__((visibility("default")))

unsigned char *nxt_vsprintf(unsigned char *buf, unsigned char *end,
    const char *fmt, va_list args);
void nxt_process_title_set(const void *title, size_t length);

EXPORT void nxt_process_title(void *task, const char *fmt, ...);


void
nxt_process_title(void *task, const char *fmt, ...)
{
    va_list        args;
    unsigned char  *end, title[2048];

    (void) task;

    if (fmt == NULL) {
        return;
    }

    va_start(args, fmt);
    end = nxt_vsprintf(title, title + sizeof(title), fmt, args);
    va_end(args);

    nxt_process_title_set(title, end - title);
}
