/* Bytes: strings with length, and the C library's functions on u_char. */

#ifndef NXT_STRING_H
#define NXT_STRING_H

@ nxt_str_t

/** Initialisers. */
#define nxt_string(literal)  { nxt_length(literal), (u_char *) literal }
#define nxt_string_zero(literal)  { sizeof(literal), (u_char *) literal }
#define nxt_null_string  { 0, NULL }

/** Statements. */
#define nxt_str_set(string, literal)                                          \
    do {                                                                      \
        (string)->start = (u_char *) literal;                                 \
        (string)->length = nxt_length(literal);                               \
    } while (0)

#define nxt_str_null(string)                                                  \
    do {                                                                      \
        (string)->start = NULL;                                               \
        (string)->length = 0;                                                 \
    } while (0)

#define nxt_memcpy(to, from, size)  (void) memcpy(to, from, size)
#define nxt_memmove(to, from, size)  (void) memmove(to, from, size)
#define nxt_memset(to, byte, size)  (void) memset(to, byte, size)
#define nxt_memzero(to, size)  (void) memset(to, 0, size)
#define nxt_memcmp(a, b, size)  memcmp((const char *) (a), (const char *) (b), size)
#define nxt_memchr(where, byte, size)  memchr((const char *) (where), byte, size)

#define nxt_strlen(text)  strlen((const char *) (text))
#define nxt_strcmp(a, b)  strcmp((const char *) (a), (const char *) (b))
#define nxt_strncmp(a, b, size)  \
    strncmp((const char *) (a), (const char *) (b), size)
#define nxt_strchr(text, byte)  \
    ((u_char *) strchr((const char *) (text), (int) (byte)))
#define nxt_strrchr(text, byte)  \
    ((u_char *) strrchr((const char *) (text), (int) (byte)))

#define nxt_isdigit(byte)  ((u_char) ((byte) - '0') <= 9)

/** Whether the string has exactly these bytes. */
#define nxt_str_eq(string, bytes, size)  \
    ((string)->length == (size)  \
     && memcmp((string)->start, (bytes), (size)) == 0)

/** Whether the string begins with these bytes. */
#define nxt_str_start(string, bytes, size)  \
    ((string)->length >= (size)  \
     && memcmp((string)->start, (bytes), (size)) == 0)

/** Whether two strings have the same bytes. */
#define nxt_strstr_eq(a, b)  nxt_str_eq(a, (b)->start, (b)->length)

#define nxt_strcasestr_eq(a, b)                                               \
    ((a)->length == (b)->length                                               \
     && nxt_memcasecmp((a)->start, (b)->start, (a)->length) == 0)

/** Whether the string is one byte, or begins with it. */
#define nxt_strchr_eq(string, byte)  \
    ((string)->length == 1 && *(string)->start == (byte))
#define nxt_strchr_start(string, byte)  \
    ((string)->length > 0 && *(string)->start == (byte))

#define nxt_strdup(text)  strdup((const char *) (text))
#define nxt_strtod(text, end)  strtod((const char *) (text), (char **) (end))

/** Copies, and answers where the copy ends. */
nxt_inline u_char *
nxt_cpymem(void *to, const void *from, size_t size)
{
    return (u_char *) memcpy(to, from, size) + size;
}

nxt_inline u_char
nxt_lowcase(u_char byte)
{
    return (byte >= 'A' && byte <= 'Z') ? (u_char) (byte | 0x20) : byte;
}

nxt_inline u_char
nxt_upcase(u_char byte)
{
    return (byte >= 'a' && byte <= 'z') ? (u_char) (byte & 0xDF) : byte;
}

@ nxt_str_alloc

@ nxt_str_dup

@ nxt_str_cstrz

@ nxt_memcpy_lowcase

@ nxt_memcpy_upcase

@ nxt_cpystr

@ nxt_cpystrn

@ nxt_strcasecmp

@ nxt_strncasecmp

@ nxt_memcasecmp

@ nxt_memstrn

@ nxt_memcasestrn

@ nxt_rmemstrn

@ nxt_str_strip

@ nxt_strverscmp

@ nxt_strvers_match

@ nxt_decode_uri

@ nxt_decode_uri_plus

@ nxt_encode_uri

@ nxt_encode_complex_uri

@ nxt_is_complex_uri_encoded

@ nxt_base64_decode

/** The value of each byte as a hexadecimal digit; 16 for those that are none. */
extern const uint8_t nxt_hex2int[256];

#endif /* NXT_STRING_H */
