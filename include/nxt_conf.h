/* The configuration. */

#ifndef NXT_CONF_H
#define NXT_CONF_H

/** The kind of a value: one of the numbers below. */
typedef unsigned int nxt_conf_type_t;

/** `null` */
#define NXT_CONF_NULL 0

/** `true` or `false` */
#define NXT_CONF_BOOLEAN 1

/** A number without a fraction. */
#define NXT_CONF_INTEGER 2

/** A number with a fraction. */
#define NXT_CONF_NUMBER 3

/** A string. */
#define NXT_CONF_STRING 4

/** An array. */
#define NXT_CONF_ARRAY 5

/** An object. */
#define NXT_CONF_OBJECT 6

/** What became of a change: one of the numbers below. */
typedef unsigned int nxt_conf_op_ret_t;

/** It can be made. */
#define NXT_CONF_OP_OK 0

/** There is no such place. */
#define NXT_CONF_OP_NOT_FOUND 1

/** The place does not take it. */
#define NXT_CONF_OP_NOT_ALLOWED 2

/** There is no memory. */
#define NXT_CONF_OP_ERROR 3

/** What a member is stored as: one of the numbers below. */
typedef unsigned int nxt_conf_map_type_t;

/** 8 bits; also of a boolean. */
#define NXT_CONF_MAP_INT8 0

/** 32 bits. */
#define NXT_CONF_MAP_INT32 1

/** 64 bits. */
#define NXT_CONF_MAP_INT64 2

/** `nxt_int_t` */
#define NXT_CONF_MAP_INT 3

/** `ssize_t` */
#define NXT_CONF_MAP_SIZE 4

/** `off_t` */
#define NXT_CONF_MAP_OFF 5

/** `nxt_msec_t`, of a number of seconds. */
#define NXT_CONF_MAP_MSEC 6

/** `double` */
#define NXT_CONF_MAP_DOUBLE 7

/** `nxt_str_t` that points into the document. */
#define NXT_CONF_MAP_STR 8

/** `nxt_str_t` with a copy. */
#define NXT_CONF_MAP_STR_COPY 9

/** `char *` to a copy that ends with a NUL. */
#define NXT_CONF_MAP_CSTRZ 10

/** `nxt_conf_value_t *` */
#define NXT_CONF_MAP_PTR 11

/** Where a member of an object goes. */
typedef struct nxt_conf_map_s {
    /** The member's name. */
    nxt_str_t name;
    /** What it is stored as. */
    nxt_conf_map_type_t type;
    /** Where, in bytes from the start of the structure. */
    size_t offset;
} nxt_conf_map_t;

/** How JSON is laid out. */
typedef struct nxt_conf_json_pretty_s {
    /** How deep the value stands. */
    uint32_t level;
    /** Whether an empty line is due. */
    uint8_t more_space;
} nxt_conf_json_pretty_t;

/** Why a text is no JSON. */
typedef struct nxt_conf_json_error_s {
    /** The byte that is wrong. */
    uint8_t *pos;
    /** A sentence, ended by a NUL. */
    uint8_t *detail;
} nxt_conf_json_error_t;

/** A document that is checked, and what is wrong with it. */
typedef struct nxt_conf_validation_s {
    /** The document. */
    nxt_conf_value_t *conf;
    /** The pool of what the check needs. */
    nxt_mp_t *pool;
    /** The sentence that tells what is wrong. */
    nxt_str_t error;
    /** The caller's own. */
    void *ctx;
    /** The templates of the document. */
    nxt_tstr_state_t *tstr_state;
    /** The pool of the document. */
    nxt_mp_t *conf_pool;
    /** The version the document is of. */
    nxt_uint_t ver;
} nxt_conf_validation_t;

/** Compares two elements by their addresses. */
typedef int (*nxt_conf_compare_t)(const void *one, const void *two);

/**
 * The kind of a value: one of `NXT_CONF_*`.
 *
 * Requires:
 * `value` is NULL or a live configuration value.
 */
nxt_uint_t nxt_conf_type(const nxt_conf_value_t *value);

/**
 * Tells the text of a string value; anything else is the string that points nowhere.
 *
 * Requires:
 * `value` is NULL or a live configuration value, `str` NULL or writable.
 */
void nxt_conf_get_string(const nxt_conf_value_t *value,
                         nxt_str_t *str);

/**
 * A copy of the text of a string value, as nxt_str_dup makes it.
 *
 * Requires:
 * `value` is NULL or a live configuration value, `mp` NULL or a pool, `str` NULL or writable.
 */
nxt_str_t *nxt_conf_get_string_dup(const nxt_conf_value_t *value,
                                   nxt_mp_t *mp,
                                   nxt_str_t *str);

/**
 * 1 for `true`; 0 for `false` and for anything else.
 *
 * Requires:
 * `value` is NULL or a live configuration value.
 */
uint8_t nxt_conf_get_boolean(nxt_conf_value_t *value);

/**
 * A number; 0 for anything else.
 *
 * Requires:
 * `value` is NULL or a live configuration value.
 */
double nxt_conf_get_number(nxt_conf_value_t *value);

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

/**
 * The value at a path such as `/a/b/0`, or NULL. A slash at its end does not count; `/` is the value
 * itself.
 *
 * Requires:
 * `value` is NULL or alive; `path` is NULL or valid.
 */
nxt_conf_value_t *nxt_conf_get_path(nxt_conf_value_t *value,
                                    const nxt_str_t *path);

/**
 * Stores members of an object in a structure, each where and as its map says. A member that is
 * missing, null, or of another kind leaves its place as it is. `NXT_ERROR` when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool, `value` NULL or alive; `map` has `n` entries, which fit the structure `data`.
 */
nxt_int_t nxt_conf_map_object(nxt_mp_t *mp,
                              const nxt_conf_value_t *value,
                              const nxt_conf_map_t *map,
                              nxt_uint_t n,
                              void *data);

/**
 * An object of `count` members without names and with nulls; NULL when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool, which outlives the value.
 */
nxt_conf_value_t *nxt_conf_create_object(nxt_mp_t *mp,
                                         nxt_uint_t count);

/**
 * Sets name and value of the member at `index`.
 *
 * Requires:
 * `object` is NULL or a value that nobody else uses; `name` is NULL or valid, `value` NULL or alive.
 */
void nxt_conf_set_member(nxt_conf_value_t *object,
                         const nxt_str_t *name,
                         const nxt_conf_value_t *value,
                         uint32_t index);

/**
 * As `nxt_conf_set_member`; `NXT_ERROR` if there is no such member.
 *
 * Requires:
 * As `nxt_conf_set_member`.
 */
nxt_int_t nxt_conf_set_member_dup(nxt_conf_value_t *object,
                                  nxt_mp_t *mp,
                                  const nxt_str_t *name,
                                  const nxt_conf_value_t *value,
                                  uint32_t index);

/**
 * Sets the member at `index` to a string.
 *
 * Requires:
 * As `nxt_conf_set_member`, with a string that is NULL or valid.
 */
void nxt_conf_set_member_string(nxt_conf_value_t *object,
                                const nxt_str_t *name,
                                const nxt_str_t *value,
                                uint32_t index);

/**
 * As `nxt_conf_set_member_string`; `NXT_ERROR` if there is no such member.
 *
 * Requires:
 * As `nxt_conf_set_member_string`.
 */
nxt_int_t nxt_conf_set_member_string_dup(nxt_conf_value_t *object,
                                         nxt_mp_t *mp,
                                         const nxt_str_t *name,
                                         const nxt_str_t *value,
                                         uint32_t index);

/**
 * Sets the member at `index` to a number.
 *
 * Requires:
 * As `nxt_conf_set_member`.
 */
void nxt_conf_set_member_integer(nxt_conf_value_t *object,
                                 const nxt_str_t *name,
                                 int64_t value,
                                 uint32_t index);

/**
 * Sets the member at `index` to null.
 *
 * Requires:
 * As `nxt_conf_set_member`.
 */
void nxt_conf_set_member_null(nxt_conf_value_t *object,
                              const nxt_str_t *name,
                              uint32_t index);

/**
 * An array of `count` nulls; NULL when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool, which outlives the value.
 */
nxt_conf_value_t *nxt_conf_create_array(nxt_mp_t *mp, nxt_uint_t count);

/**
 * Sets the element at `index`.
 *
 * Requires:
 * `array` is NULL or a value that nobody else uses; `value` is NULL or alive.
 */
void nxt_conf_set_element(nxt_conf_value_t *array,
                          nxt_uint_t index,
                          const nxt_conf_value_t *value);

/**
 * Sets the element at `index` to a string; `NXT_ERROR` if there is no such element.
 *
 * Requires:
 * `array` is NULL or a value that nobody else uses; `value` is NULL or valid.
 */
nxt_int_t nxt_conf_set_element_string_dup(nxt_conf_value_t *array,
                                          nxt_mp_t *mp,
                                          nxt_uint_t index,
                                          const nxt_str_t *value);

/**
 * Makes a value a string.
 *
 * Requires:
 * `value` is NULL or a value that nobody else uses; `str` is NULL or valid.
 */
void nxt_conf_set_string(nxt_conf_value_t *value, const nxt_str_t *str);

/**
 * As `nxt_conf_set_string`; `NXT_ERROR` if there is no value.
 *
 * Requires:
 * As `nxt_conf_set_string`.
 */
nxt_int_t nxt_conf_set_string_dup(nxt_conf_value_t *value,
                                  nxt_mp_t *mp,
                                  const nxt_str_t *str);

/**
 * Sorts the elements of an array.
 *
 * Requires:
 * `value` is NULL or a value that nobody else uses; `compare` takes addresses of values.
 */
void nxt_conf_array_qsort(const nxt_conf_value_t *value,
                          nxt_conf_compare_t compare);

/**
 * Reads the JSON text between two addresses. NULL if it is none, with place and sentence in `error`,
 * unless that is NULL, or when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool, which outlives the value; `start` is NULL or names readable bytes up to
 * `end`; `error` is NULL or writable.
 */
nxt_conf_value_t *nxt_conf_json_parse(nxt_mp_t *mp,
                                      uint8_t *start,
                                      uint8_t *end,
                                      nxt_conf_json_error_t *error);

#define nxt_conf_json_parse_str(pool, string)                                 \
    nxt_conf_json_parse(pool, (string)->start,                                \
                        (string)->start + (string)->length, NULL)

/**
 * Line and column of a place in a text, both from 1. They stay as they are if the line is not UTF-8.
 *
 * Requires:
 * `start` is NULL or names readable bytes up to `pos`; the places are NULL or writable.
 */
void nxt_conf_json_position(uint8_t *start,
                            const uint8_t *pos,
                            nxt_uint_t *line,
                            nxt_uint_t *column);

/**
 * How many bytes `nxt_conf_json_print` writes.
 *
 * Requires:
 * `value` is NULL or alive; `pretty` is NULL or valid.
 */
size_t nxt_conf_json_length(const nxt_conf_value_t *value,
                            nxt_conf_json_pretty_t *pretty);

/**
 * Writes a value as JSON: the end of the text. With `pretty` NULL it has no white space, else it is laid
 * out in lines, as deep as `level` says.
 *
 * Requires:
 * `p` is NULL or has room for the text; `value` is NULL or alive; `pretty` is NULL or valid.
 */
uint8_t *nxt_conf_json_print(uint8_t *p,
                             const nxt_conf_value_t *value,
                             nxt_conf_json_pretty_t *pretty);

/**
 * Prepares a change of `root` at a path: `value` is put there or, with `add`, appended there; NULL
 * removes what is there. `nxt_conf_clone` makes it.
 *
 * Requires:
 * `mp` is NULL or a pool, which outlives the change; `ops` is NULL or writable, `root` and `value` are
 * NULL or alive, `path` is NULL or valid.
 */
nxt_conf_op_ret_t nxt_conf_op_compile(nxt_mp_t *mp,
                                      nxt_conf_op_t **ops,
                                      const nxt_conf_value_t *root,
                                      const nxt_str_t *path,
                                      nxt_conf_value_t *value,
                                      nxt_bool_t add);

/**
 * A copy of a document, changed if `op` is not NULL; NULL when there is no memory, or the change does not
 * fit the document.
 *
 * Requires:
 * `mp` is NULL or a pool, which outlives the copy; `op` is NULL or from `nxt_conf_op_compile`; `value` is
 * NULL or alive.
 */
nxt_conf_value_t *nxt_conf_clone(nxt_mp_t *mp,
                                 nxt_conf_op_t *op,
                                 const nxt_conf_value_t *value);

/**
 * Checks the document `vldt->conf`. `NXT_DECLINED` if it is not valid, with the reason in `vldt->error`;
 * `NXT_ERROR` when there is no memory. No language modules are known to it, so that the type of an
 * application can only be `external`.
 *
 * Requires:
 * `vldt` is NULL, or its document is alive and its pool is one.
 */
nxt_int_t nxt_conf_validate(nxt_conf_validation_t *vldt);

#endif /* NXT_CONF_H */
