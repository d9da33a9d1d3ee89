/* The formatter; its language is described in nxt_log.h. */

#ifndef NXT_SPRINTF_H
#define NXT_SPRINTF_H

#include <float.h>

/** The most digits of a double before the point. */
#define NXT_DOUBLE_LEN  (DBL_MAX_10_EXP + 1)

/**
 * Writes the formatted text between `buf` and `end`, without a NUL; answers
 * its end.
 */
NXT_EXPORT u_char *nxt_sprintf(u_char *buf, u_char *end, const char *fmt, ...);

/**
 * The same with the arguments in a list.
 */
NXT_EXPORT u_char *nxt_vsprintf(u_char *buf, u_char *end, const char *fmt,
    va_list args);

#endif /* NXT_SPRINTF_H */
