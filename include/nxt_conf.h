/* The configuration, for reading. */

#ifndef NXT_CONF_H
#define NXT_CONF_H

/**
 * Tells the text of a string value; anything else is the string that points nowhere.
 *
 * Requires:
 * `value` is NULL or a live configuration value, `str` NULL or writable.
 */
void nxt_conf_get_string(const nxt_conf_value_t *value,
                         nxt_str_t *str);

/**
 * 1 for `true`; 0 for `false` and for anything else.
 *
 * Requires:
 * `value` is NULL or a live configuration value.
 */
uint8_t nxt_conf_get_boolean(nxt_conf_value_t *value);

/**
 * How many members an object has.
 *
 * Requires:
 * `value` is NULL or a live configuration value.
 */
nxt_uint_t nxt_conf_object_members_count(const nxt_conf_value_t *value);

/**
 * The member `name` of an object, or NULL; its position goes to `index`, unless that is NULL.
 *
 * Requires:
 * `value` is NULL or a live configuration value, `name` NULL or readable, `index` NULL or writable.
 */
nxt_conf_value_t *nxt_conf_get_object_member(const nxt_conf_value_t *value,
                                             const nxt_str_t *name,
                                             uint32_t *index);

/**
 * The next member of an object, or NULL after the last. `next` is where the walk stands: 0 at the
 * start. The member's name goes to `name`.
 *
 * Requires:
 * `value` is NULL or a live configuration value, `name` NULL or writable, `next` NULL or both.
 */
nxt_conf_value_t *nxt_conf_next_object_member(const nxt_conf_value_t *value,
                                              nxt_str_t *name,
                                              uint32_t *next);

/**
 * How many elements an array has.
 *
 * Requires:
 * `value` is NULL or a live configuration value.
 */
nxt_uint_t nxt_conf_array_elements_count(const nxt_conf_value_t *value);

/**
 * How many elements an array has; any other value counts as one.
 *
 * Requires:
 * `value` is NULL or a live configuration value.
 */
nxt_uint_t nxt_conf_array_elements_count_or_1(const nxt_conf_value_t *value);

/**
 * The element at `index` of an array, or NULL.
 *
 * Requires:
 * `value` is NULL or a live configuration value.
 */
nxt_conf_value_t *nxt_conf_get_array_element(const nxt_conf_value_t *value,
                                             uint32_t index);

/**
 * The element at `index` of an array, or NULL; any other value is its own element 0.
 *
 * Requires:
 * `value` is NULL or a live configuration value.
 */
nxt_conf_value_t *nxt_conf_get_array_element_or_itself(nxt_conf_value_t *value,
                                                       uint32_t index);

#endif /* NXT_CONF_H */
