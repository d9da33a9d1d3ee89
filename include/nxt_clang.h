/* The compiler: attributes, hints, and expressions over types. */

#ifndef NXT_CLANG_H
#define NXT_CLANG_H

/** Everything else is compiled with hidden visibility. */
#define NXT_EXPORT  __attribute__((visibility("default")))

#define NXT_MALLOC_LIKE  __attribute__((__malloc__))
#define NXT_PACKED  __attribute__((__packed__))
#define nxt_packed  NXT_PACKED
#define NXT_MAYBE_UNUSED  __attribute__((__unused__))

#if defined(__has_attribute)
#if __has_attribute(nonstring)
#define NXT_NONSTRING  __attribute__((nonstring))
#endif
#endif
#ifndef NXT_NONSTRING
#define NXT_NONSTRING
#endif

#define NXT_ALIGNMENT  8
#define NXT_MAX_ALIGNMENT  16

#define nxt_aligned(bytes)  __attribute__((aligned(bytes)))
#define nxt_inline  static inline __attribute__((always_inline))
#define nxt_noinline  __attribute__((noinline))
#define nxt_cdecl

#define nxt_fast_path(condition)  __builtin_expect((long) (condition), 1)
#define nxt_slow_path(condition)  __builtin_expect((long) (condition), 0)
#define nxt_expect(value, expression)  \
    __builtin_expect((long) (expression), (value))
#define nxt_unreachable()  __builtin_unreachable()
#define nxt_prefetch(address)  __builtin_prefetch(address)
#define nxt_popcount  __builtin_popcount

#define nxt_alloca(size)  __builtin_alloca(size)

/** From the address of a member to the address of what contains it. */
#define nxt_container_of(member_address, type, member)  \
    ((type *) ((char *) (member_address) - offsetof(type, member)))

/** How many elements an array has. */
#define nxt_nitems(array)  (sizeof(array) / sizeof((array)[0]))

/** The length of a string literal, as a constant. */
#define nxt_length(literal)  (nxt_nitems(literal) - 1)

#define nxt_min(a, b)  ((b) < (a) ? (b) : (a))
#define nxt_max(a, b)  ((b) > (a) ? (b) : (a))
#define nxt_abs(number)  ((number) < 0 ? -(number) : (number))

#define nxt_is_power_of_two(number)  (((number) & ((number) - 1)) == 0)
#define nxt_trunc_ptr(address, to)  \
    ((u_char *) ((uintptr_t) (address) & ~((uintptr_t) (to) - 1)))
#define nxt_bswap32(number)  __builtin_bswap32(number)

/** What lies a number of bytes behind an address. */
#define nxt_pointer_to(address, bytes)  \
    ((void *) ((char *) (address) + (bytes)))
#define nxt_value_at(type, address, bytes)  \
    (*(type *) nxt_pointer_to(address, bytes))

#define nxt_align_size(size, to)  \
    (((size) + (size_t) (to) - 1) & ~((size_t) (to) - 1))
#define nxt_align_ptr(address, to)  \
    ((u_char *) nxt_align_size((uintptr_t) (address), to))

#endif /* NXT_CLANG_H */
