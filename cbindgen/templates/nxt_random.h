/* Pseudo-random numbers. */

#ifndef NXT_RANDOM_H
#define NXT_RANDOM_H

@ nxt_random_t

@ nxt_random_init

@ nxt_random

@ nxt_random_test

#endif /* NXT_RANDOM_H */
