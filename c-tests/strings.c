/* Strings, UTF-8, numbers, dates, hashes and the formatter. */

#include <nxt_main.h>

#include "check.h"

#define LEN(text)  ((const u_char *) (text)), sizeof(text) - 1
#define BYTES(text)  ((u_char *) (text)), sizeof(text) - 1


static void
numbers(void)
{
    nxt_str_t     string = nxt_string("42abc");
    const u_char  *start = (const u_char *) "1.5;";

    CHECK(nxt_size_t_parse(LEN("9223372036854775807")) == NXT_SIZE_T_MAX);
    CHECK(nxt_size_t_parse(LEN("9223372036854775808")) == -2);
    CHECK(nxt_size_t_parse(NULL, 5) == -1);
    CHECK(nxt_size_parse(LEN("10k")) == 10240);
    CHECK(nxt_size_parse(LEN("1G")) == 1 << 30);
    CHECK(nxt_size_parse(LEN("k")) == -1);
    CHECK(nxt_size_parse(NULL, 0) == -1);

    CHECK(nxt_str_int_parse(&string) == 42);
    CHECK(nxt_str_eq(&string, "abc", 3));
    CHECK(nxt_str_int_parse(&string) == -1);
    CHECK(nxt_str_int_parse(NULL) == -1);

    CHECK(nxt_number_parse(&start, start + 4) == 1.5);
    CHECK(*start == ';');
    CHECK(nxt_number_parse(&start, start + 1) == -1);
    CHECK(nxt_number_parse(NULL, NULL) == -1);

    CHECK(nxt_time_parse(LEN("Mon, 28 Sep 1970 12:00:00")) == 23371200);
    CHECK(nxt_time_parse(LEN("Monday, 28-Sep-70 12:00:00")) == 23371200);
    CHECK(nxt_time_parse(LEN("Mon Sep 28 12:00:00 1970")) == 23371200);
    CHECK(nxt_time_parse(LEN("Mon, 31 Sep 1970 12:00:00")) == -1);
    CHECK(nxt_time_parse(NULL, 0) == -1);

    CHECK(nxt_term_parse(LEN("1d 1h"), 1) == 90000);
    CHECK(nxt_term_parse(LEN("5ms"), 0) == 5);
    CHECK(nxt_term_parse(LEN("25d"), 0) == -2);
    CHECK(nxt_term_parse(LEN("1h 1d"), 1) == -1);
    CHECK(nxt_term_parse(NULL, 0, 1) == 0);
}


static void
characters(void)
{
    u_char        bytes[4];
    const u_char  *p, *text = (const u_char *) "\xc3\x84z";

    p = text;
    CHECK(nxt_utf8_decode(&p, text + 3) == 0xC4 && p == text + 2);
    CHECK(nxt_utf8_decode(&p, text + 3) == 'z' && p == text + 3);
    CHECK(nxt_utf8_decode(&p, text + 3) == 0xFFFFFFFF && p == text + 3);

    p = text;
    CHECK(nxt_utf8_lowcase(&p, text + 3) == 0xE4);
    p = text;
    CHECK(nxt_utf8_decode2(&p, text + 1) == 0xFFFFFFFF && p == text);
    CHECK(nxt_utf8_decode(NULL, NULL) == 0xFFFFFFFF);

    CHECK(nxt_utf8_encode(bytes, 0x20AC) == bytes + 3);
    CHECK(memcmp(bytes, "\xe2\x82\xac", 3) == 0);
    CHECK(nxt_utf8_encode(bytes, 0x110000) == NULL);
    CHECK(nxt_utf8_encode(NULL, 'a') == NULL);

    CHECK(nxt_utf8_length(LEN("\xc3\x84z")) == 2);
    CHECK(nxt_utf8_length(LEN("\xc3")) == -1);
    CHECK(nxt_utf8_length(NULL, 0) == 0);
    CHECK(nxt_utf8_is_valid(LEN("\xf0\x9f\x98\x80")));
    CHECK(!nxt_utf8_is_valid(LEN("\xc0\x80")));

    CHECK(nxt_utf8_casecmp((const u_char *) "\xc3\x84", (const u_char *) "\xc3\xa4",
                           2, 2) == 0);
    CHECK(nxt_utf8_casecmp((const u_char *) "\xff", (const u_char *) "a", 1, 1)
          == NXT_UTF8_SORT_INVALID);
}


static void
bytes(void)
{
    u_char        copy[8], *end;
    const u_char  *text = (const u_char *) "abcabc";

    end = nxt_cpystrn(copy, text, 4);
    CHECK(end == copy + 3 && strcmp((char *) copy, "abc") == 0);
    CHECK(nxt_cpystrn(copy, text, 0) == copy);
    CHECK(nxt_cpystrn(NULL, text, 4) == NULL);
    CHECK(nxt_cpystr(copy, text) == copy + 6);

    nxt_memcpy_upcase(copy, copy, 6);
    CHECK(memcmp(copy, "ABCABC", 6) == 0);
    nxt_memcpy_lowcase(copy, copy, 3);
    CHECK(memcmp(copy, "abcABC", 6) == 0);
    nxt_memcpy_lowcase(NULL, copy, 3);

    CHECK(nxt_strcasecmp(text, copy) == 0);
    CHECK(nxt_strcasecmp(text, (const u_char *) "abd") < 0);
    CHECK(nxt_strcasecmp(NULL, text) < 0);
    CHECK(nxt_strncasecmp(text, (const u_char *) "ABx", 2) == 0);
    CHECK(nxt_memcasecmp("a\0b", "A\0B", 3) == 0);
    CHECK(nxt_memcasecmp("a\0b", "A\0C", 3) < 0);
    CHECK(nxt_memcasecmp(NULL, NULL, 3) == 0);

    CHECK(nxt_memstrn(text, text + 6, "ca", 2) == text + 2);
    CHECK(nxt_memstrn(text, text + 3, "ca", 2) == NULL);
    CHECK(nxt_memcasestrn(text, text + 6, "BCA", 3) == text + 1);
    CHECK(nxt_rmemstrn(text, text + 6, "abc", 3) == text + 3);
    CHECK(nxt_rmemstrn(text, text + 6, "abca", 4) == text);
    CHECK(nxt_memstrn(NULL, NULL, "a", 1) == NULL);

    CHECK(nxt_str_strip((const u_char *) "ab\r\n", (u_char *) strchr("ab\r\n", 0))
          <= 4);
    CHECK(nxt_strverscmp((const u_char *) "1.9", (const u_char *) "1.10") < 0);
    CHECK(nxt_strverscmp(NULL, NULL) == 0);
    CHECK(nxt_strvers_match((u_char *) "3.11", BYTES("3")));
    CHECK(!nxt_strvers_match((u_char *) "3.11", BYTES("3.1")));
}


static void
escapes(void)
{
    u_char  buf[64], *end;

    end = nxt_decode_uri(buf, BYTES("a%2Fb+%25"));
    CHECK(end == buf + 5 && memcmp(buf, "a/b+%", 5) == 0);
    end = nxt_decode_uri_plus(buf, BYTES("a+b"));
    CHECK(end == buf + 3 && memcmp(buf, "a b", 3) == 0);
    CHECK(nxt_decode_uri(buf, BYTES("a%2")) == NULL);
    CHECK(nxt_decode_uri(NULL, BYTES("a")) == NULL);
    CHECK(nxt_decode_uri(buf, NULL, 5) == buf);

    memcpy(buf, "%41%42", 6);
    CHECK(nxt_decode_uri(buf, buf, 6) == buf + 2 && memcmp(buf, "AB", 2) == 0);

    CHECK(nxt_encode_uri(NULL, BYTES("a b?")) == 2);
    CHECK(nxt_encode_uri(buf, BYTES("a b?")) == (uintptr_t) (buf + 8));
    CHECK(memcmp(buf, "a%20b%3F", 8) == 0);
    CHECK(nxt_encode_complex_uri(NULL, BYTES("/a b?c?d#e")) == 2);
    CHECK(nxt_is_complex_uri_encoded(BYTES("/a%20b?c#e")));
    CHECK(!nxt_is_complex_uri_encoded(BYTES("/a b")));

    CHECK(nxt_base64_decode(NULL, BYTES("QUJD")) == 3);
    CHECK(nxt_base64_decode(buf, BYTES("QUI=")) == 2);
    CHECK(memcmp(buf, "AB", 2) == 0);
    CHECK(nxt_base64_decode(buf, BYTES("Q===")) == NXT_ERROR);
    CHECK(nxt_base64_decode(buf, NULL, 4) == 0);
}


static void
hashes(void)
{
    uint32_t  four = 0x64636261;

    CHECK(nxt_djb_hash("", 0) == NXT_DJB_HASH_INIT);
    CHECK(nxt_djb_hash("a", 1) == nxt_djb_hash_add(NXT_DJB_HASH_INIT, 'a'));
    CHECK(nxt_djb_hash_lowcase("ABC", 3) == nxt_djb_hash("abc", 3));
    CHECK(nxt_djb_hash(NULL, 7) == NXT_DJB_HASH_INIT);
    CHECK(nxt_murmur_hash2_uint32(&four) == nxt_murmur_hash2("abcd", 4));
}


static u_char *
list(u_char *buf, u_char *end, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    end = nxt_vsprintf(buf, end, fmt, args);
    va_end(args);

    return end;
}


static void
formats(void)
{
    u_char     buf[64], *p;
    nxt_str_t  text = nxt_string("text");

    p = nxt_sprintf(buf, buf + sizeof(buf), "%V|%s|%*s|%d|%05uD|%xd|%c%%",
                    &text, "c", (size_t) 2, "xyz", -7, 42, 255, '!');
    CHECK((size_t) (p - buf) == strlen("text|c|xy|-7|00042|ff|!%"));
    CHECK(memcmp(buf, "text|c|xy|-7|00042|ff|!%", p - buf) == 0);

    p = nxt_sprintf(buf, buf + 3, "%s", "abcdef");
    CHECK(p == buf + 3 && memcmp(buf, "abc", 3) == 0);
    CHECK(nxt_sprintf(buf, buf, "%d", 1) == buf);
    CHECK(nxt_sprintf(NULL, NULL, "%d", 1) == NULL);
    CHECK(nxt_sprintf(buf, buf + 9, NULL) == buf);

    p = list(buf, buf + sizeof(buf), "%z %uL", (ssize_t) -1, (uint64_t) 1 << 63);
    CHECK(memcmp(buf, "-1 9223372036854775808", p - buf) == 0);
}


int
main(void)
{
    numbers();
    characters();
    bytes();
    escapes();
    hashes();
    formats();

    return REPORT("strings");
}
