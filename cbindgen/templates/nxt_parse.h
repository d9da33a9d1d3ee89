/* Decimal numbers. */

#ifndef NXT_PARSE_H
#define NXT_PARSE_H

@ nxt_int_parse

@ nxt_off_t_parse

#endif /* NXT_PARSE_H */
