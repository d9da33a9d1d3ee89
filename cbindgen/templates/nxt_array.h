#ifndef NXT_ARRAY_H
#define NXT_ARRAY_H

@ nxt_array_t

#endif /* NXT_ARRAY_H */
