/* Numbers, terms and dates. */

#ifndef NXT_PARSE_H
#define NXT_PARSE_H

@ nxt_int_parse

@ nxt_size_t_parse

@ nxt_size_parse

@ nxt_off_t_parse

@ nxt_str_int_parse

@ nxt_number_parse

@ nxt_time_parse

@ nxt_term_parse

#endif /* NXT_PARSE_H */
