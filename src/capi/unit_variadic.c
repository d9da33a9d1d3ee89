/*
 * nxt_unit_log() and nxt_unit_req_log().  Only C can define a function with
 * "..."; the text is formatted here, with the printf() of the C library, and
 * the record is written by Rust (src/capi/unit/).
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* The longest record; Rust marks a longer text as cut. */
#define TEXT_SIZE  2048

struct nxt_unit_ctx_s;
struct nxt_unit_request_info_s;

void nxt_unit_log_text(struct nxt_unit_ctx_s *ctx, int level, const char *text,
    size_t length);
void nxt_unit_req_log_text(struct nxt_unit_request_info_s *req, int level,
    const char *text, size_t length);

#define EXPORTED  __attribute__((visibility("default")))

EXPORTED void nxt_unit_log(struct nxt_unit_ctx_s *ctx, int level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
EXPORTED void nxt_unit_req_log(struct nxt_unit_request_info_s *req, int level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));


static size_t
format_text(char *text, const char *fmt, va_list args)
{
    int  length;

    length = (fmt != NULL) ? vsnprintf(text, TEXT_SIZE, fmt, args) : 0;

    if (length < 0) {
        return 0;
    }

    return (length < TEXT_SIZE) ? (size_t) length : TEXT_SIZE - 1;
}


void
nxt_unit_log(struct nxt_unit_ctx_s *ctx, int level, const char *fmt, ...)
{
    char     text[TEXT_SIZE];
    size_t   length;
    va_list  args;

    va_start(args, fmt);
    length = format_text(text, fmt, args);
    va_end(args);

    nxt_unit_log_text(ctx, level, text, length);
}


void
nxt_unit_req_log(struct nxt_unit_request_info_s *req, int level,
    const char *fmt, ...)
{
    char     text[TEXT_SIZE];
    size_t   length;
    va_list  args;

    va_start(args, fmt);
    length = format_text(text, fmt, args);
    va_end(args);

    nxt_unit_req_log_text(req, level, text, length);
}
