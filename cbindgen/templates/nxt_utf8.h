/* UTF-8. */

#ifndef NXT_UTF8_H
#define NXT_UTF8_H

@ NXT_UTF8_SORT_INVALID

@ nxt_utf8_encode

@ nxt_utf8_decode

@ nxt_utf8_decode2

@ nxt_utf8_casecmp

@ nxt_utf8_lowcase

@ nxt_utf8_length

@ nxt_utf8_is_valid

/** The end of the character at `p`; `end` if it goes no further. */
nxt_inline const u_char *
nxt_utf8_next(const u_char *p, const u_char *end)
{
    do {
        p++;
    } while (p < end && (*p & 0xC0) == 0x80);

    return p;
}

#endif /* NXT_UTF8_H */
