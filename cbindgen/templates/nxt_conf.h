/* The configuration, for reading. */

#ifndef NXT_CONF_H
#define NXT_CONF_H

@ nxt_conf_get_string

@ nxt_conf_get_boolean

@ nxt_conf_object_members_count

@ nxt_conf_get_object_member

@ nxt_conf_next_object_member

@ nxt_conf_array_elements_count

@ nxt_conf_array_elements_count_or_1

@ nxt_conf_get_array_element

@ nxt_conf_get_array_element_or_itself

#endif /* NXT_CONF_H */
