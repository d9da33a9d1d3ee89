#ifndef NXT_VERSION_H
#define NXT_VERSION_H

/** The version as text; `NXT_UNIT_INIT` must carry exactly this text. */
#define NXT_VERSION "1.35.0"

/**
 * The version as a number; the first word of a module's compatibility array.
 */
#define NXT_VERNUM 13500

#endif /* NXT_VERSION_H */
