/* Bytes: strings with length, and the C library's functions on u_char. */

#ifndef NXT_STRING_H
#define NXT_STRING_H

/** Bytes of known length. `start` may be NULL when `length` is 0. */
typedef struct nxt_str_s {
    /** How many bytes. */
    size_t length;
    /** Where they start. */
    uint8_t *start;
} nxt_str_t;

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

/**
 * A string with room for `length` bytes, which follow it in the pool; NULL when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
nxt_str_t *nxt_str_alloc(nxt_mp_t *mp,
                         size_t length);

/**
 * A copy of `src`: in `dst`, or, if that is NULL, in a new string. It points into the pool also when
 * it is empty. NULL when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool, `dst` NULL or writable, `src` NULL or valid.
 */
nxt_str_t *nxt_str_dup(nxt_mp_t *mp,
                       nxt_str_t *dst,
                       const nxt_str_t *src);

/**
 * A copy of `src` that ends with a NUL; NULL when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool, `src` NULL or valid.
 */
char *nxt_str_cstrz(nxt_mp_t *mp, const nxt_str_t *src);

/**
 * Copies with ASCII letters in lower case; both may be the same.
 *
 * Requires:
 * Both are NULL or have `length` bytes.
 */
void nxt_memcpy_lowcase(uint8_t *dst, const uint8_t *src, size_t length);

/**
 * Copies with ASCII letters in upper case; both may be the same.
 *
 * Requires:
 * Both are NULL or have `length` bytes.
 */
void nxt_memcpy_upcase(uint8_t *dst, const uint8_t *src, size_t length);

/**
 * Copies a C string; answers the place of the copy's NUL.
 *
 * Requires:
 * `src` is NULL or ends with a NUL; `dst` is NULL or has room for it.
 */
uint8_t *nxt_cpystr(uint8_t *dst, const uint8_t *src);

/**
 * Copies a C string into `length` bytes, cut if it is longer; answers the place of the copy's NUL.
 *
 * Requires:
 * `src` is NULL or ends with a NUL; `dst` is NULL or has room for `length` bytes or the whole string.
 */
uint8_t *nxt_cpystrn(uint8_t *dst,
                     const uint8_t *src,
                     size_t length);

/**
 * Compares C strings regardless of case.
 *
 * Requires:
 * Each is NULL or ends with a NUL.
 */
nxt_int_t nxt_strcasecmp(const uint8_t *s1, const uint8_t *s2);

/**
 * Compares at most `length` bytes of C strings regardless of case.
 *
 * Requires:
 * Each is NULL, or ends with a NUL or after `length` bytes.
 */
nxt_int_t nxt_strncasecmp(const uint8_t *s1,
                          const uint8_t *s2,
                          size_t length);

/**
 * Compares `length` bytes, NULs like any other, regardless of case.
 *
 * Requires:
 * Each is NULL or has `length` bytes.
 */
nxt_int_t nxt_memcasecmp(const void *p1, const void *p2, size_t length);

/**
 * The first place of `length` bytes at `ss` between `s` and `end`, or NULL.
 *
 * Requires:
 * `s` is NULL or names readable bytes up to `end`; `ss` is NULL or has `length` bytes.
 */
uint8_t *nxt_memstrn(const uint8_t *s,
                     const uint8_t *end,
                     const char *ss,
                     size_t length);

/**
 * As `nxt_memstrn`, regardless of case.
 *
 * Requires:
 * As `nxt_memstrn`.
 */
uint8_t *nxt_memcasestrn(const uint8_t *s,
                         const uint8_t *end,
                         const char *ss,
                         size_t length);

/**
 * The last place of `length` bytes at `ss` between `s` and `end`, or NULL.
 *
 * Requires:
 * As `nxt_memstrn`.
 */
uint8_t *nxt_rmemstrn(const uint8_t *s,
                      const uint8_t *end,
                      const char *ss,
                      size_t length);

/**
 * The length of the text between `start` and `end` without line ends at its end.
 *
 * Requires:
 * `start` is NULL or names readable bytes up to `end`.
 */
size_t nxt_str_strip(const uint8_t *start,
                     uint8_t *end);

/**
 * Compares versions: runs of digits count as numbers.
 *
 * Requires:
 * Each is NULL or ends with a NUL.
 */
nxt_int_t nxt_strverscmp(const uint8_t *s1, const uint8_t *s2);

/**
 * Whether a version begins with a prefix that ends where a part of the version does.
 *
 * Requires:
 * `version` is NULL or ends with a NUL; `prefix` is NULL or has `length` bytes.
 */
nxt_bool_t nxt_strvers_match(uint8_t *version,
                             uint8_t *prefix,
                             size_t length);

/**
 * Resolves the escapes of `length` bytes at `src` into `dst`, which may be `src`: the end of the
 * text there, or NULL if an escape is malformed.
 *
 * Requires:
 * Both are NULL or have `length` bytes.
 */
uint8_t *nxt_decode_uri(uint8_t *dst,
                        uint8_t *src,
                        size_t length);

/**
 * As `nxt_decode_uri`; a plus sign is a space.
 *
 * Requires:
 * As `nxt_decode_uri`.
 */
uint8_t *nxt_decode_uri_plus(uint8_t *dst, uint8_t *src, size_t length);

/**
 * Escapes `length` bytes at `src` into `dst`: the address of the end of the text there. With `dst`
 * NULL only counts the bytes that need an escape, each of which takes two bytes more.
 *
 * Requires:
 * `src` is NULL or has `length` bytes; `dst` is NULL or has room for the result.
 */
size_t nxt_encode_uri(uint8_t *dst,
                      uint8_t *src,
                      size_t length);

/**
 * As `nxt_encode_uri`, for a path with a query and a fragment.
 *
 * Requires:
 * As `nxt_encode_uri`.
 */
size_t nxt_encode_complex_uri(uint8_t *dst, uint8_t *src, size_t length);

/**
 * Whether `nxt_encode_complex_uri` would have nothing to escape but the percent signs of escapes.
 *
 * Requires:
 * `s` is NULL or has `length` bytes.
 */
nxt_bool_t nxt_is_complex_uri_encoded(uint8_t *s,
                                      size_t length);

/**
 * Decodes Base64 into `dst`, or, if that is NULL, nowhere: how many bytes it makes, or `NXT_ERROR`
 * for what is not Base64.
 *
 * Requires:
 * `src` is NULL or has `length` bytes; `dst` is NULL or has room for the result.
 */
ssize_t nxt_base64_decode(uint8_t *dst,
                            uint8_t *src,
                            size_t length);

/** The value of each byte as a hexadecimal digit; 16 for those that are none. */
extern const uint8_t nxt_hex2int[256];

#endif /* NXT_STRING_H */
