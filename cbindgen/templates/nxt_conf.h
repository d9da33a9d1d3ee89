/* The configuration. */

#ifndef NXT_CONF_H
#define NXT_CONF_H

@ nxt_conf_type_t

@ NXT_CONF_NULL

@ NXT_CONF_BOOLEAN

@ NXT_CONF_INTEGER

@ NXT_CONF_NUMBER

@ NXT_CONF_STRING

@ NXT_CONF_ARRAY

@ NXT_CONF_OBJECT

@ nxt_conf_op_ret_t

@ NXT_CONF_OP_OK

@ NXT_CONF_OP_NOT_FOUND

@ NXT_CONF_OP_NOT_ALLOWED

@ NXT_CONF_OP_ERROR

@ nxt_conf_map_type_t

@ NXT_CONF_MAP_INT8

@ NXT_CONF_MAP_INT32

@ NXT_CONF_MAP_INT64

@ NXT_CONF_MAP_INT

@ NXT_CONF_MAP_SIZE

@ NXT_CONF_MAP_OFF

@ NXT_CONF_MAP_MSEC

@ NXT_CONF_MAP_DOUBLE

@ NXT_CONF_MAP_STR

@ NXT_CONF_MAP_STR_COPY

@ NXT_CONF_MAP_CSTRZ

@ NXT_CONF_MAP_PTR

@ nxt_conf_map_t

@ nxt_conf_json_pretty_t

@ nxt_conf_json_error_t

@ nxt_conf_validation_t

@ nxt_conf_compare_t

@ nxt_conf_type

@ nxt_conf_get_string

@ nxt_conf_get_string_dup

@ nxt_conf_get_boolean

@ nxt_conf_get_number

@ nxt_conf_object_members_count

@ nxt_conf_get_object_member

@ nxt_conf_next_object_member

@ nxt_conf_array_elements_count

@ nxt_conf_array_elements_count_or_1

@ nxt_conf_get_array_element

@ nxt_conf_get_array_element_or_itself

@ nxt_conf_get_path

@ nxt_conf_map_object

@ nxt_conf_create_object

@ nxt_conf_set_member

@ nxt_conf_set_member_dup

@ nxt_conf_set_member_string

@ nxt_conf_set_member_string_dup

@ nxt_conf_set_member_integer

@ nxt_conf_set_member_null

@ nxt_conf_create_array

@ nxt_conf_set_element

@ nxt_conf_set_element_string_dup

@ nxt_conf_set_string

@ nxt_conf_set_string_dup

@ nxt_conf_array_qsort

@ nxt_conf_json_parse

#define nxt_conf_json_parse_str(pool, string)                                 \
    nxt_conf_json_parse(pool, (string)->start,                                \
                        (string)->start + (string)->length, NULL)

@ nxt_conf_json_position

@ nxt_conf_json_length

@ nxt_conf_json_print

@ nxt_conf_op_compile

@ nxt_conf_clone

@ nxt_conf_validate

#endif /* NXT_CONF_H */
