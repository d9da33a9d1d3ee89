#ifndef NXT_VERSION_H
#define NXT_VERSION_H

/** The version as text; `NXT_UNIT_INIT` must carry exactly this text. */
#define NXT_VERSION "1.35.0"

@ NXT_VERNUM

#endif /* NXT_VERSION_H */
