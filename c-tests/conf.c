/* Configuration values: read, made, changed, printed; and a panic inside. */

#include <nxt_main.h>

#include "check.h"

static nxt_mp_t  *mp;


static nxt_conf_value_t *
parse(const char *text)
{
    nxt_str_t  string;

    string.start = (u_char *) text;
    string.length = strlen(text);

    return nxt_conf_json_parse_str(mp, &string);
}


static int
is(const nxt_conf_value_t *value, const char *expected)
{
    u_char  buf[512];
    size_t  length;

    length = nxt_conf_json_length(value, NULL);

    return length < sizeof(buf) && length == strlen(expected)
           && nxt_conf_json_print(buf, value, NULL) == buf + length
           && memcmp(buf, expected, length) == 0;
}


static void
reading(void)
{
    nxt_str_t              path = nxt_string("/a%2Fb/1");
    nxt_uint_t             line, column;
    nxt_conf_value_t       *value;
    nxt_conf_json_error_t  error;
    u_char                 wrong[] = "{\n  \"a\": tru }";

    value = parse("{\"a/b\": [1, 2.5, \"x\", null, true, {}]}");
    CHECK(nxt_conf_type(value) == NXT_CONF_OBJECT);
    CHECK(nxt_conf_type(nxt_conf_get_path(value, &path)) == NXT_CONF_NUMBER);
    CHECK(nxt_conf_get_number(nxt_conf_get_path(value, &path)) == 2.5);
    nxt_str_set(&path, "/a%2Fb/9");
    CHECK(nxt_conf_get_path(value, &path) == NULL);
    nxt_str_set(&path, "/a%2Fb/0/");
    CHECK(nxt_conf_type(nxt_conf_get_path(value, &path)) == NXT_CONF_INTEGER);
    CHECK(nxt_conf_get_path(NULL, &path) == NULL);
    CHECK(is(value, "{\"a/b\":[1,2.5,\"x\",null,true,{}]}"));

    CHECK(nxt_conf_json_parse(mp, wrong, wrong + sizeof(wrong) - 1, &error)
          == NULL);
    CHECK(error.pos == wrong + 9 && strlen((char *) error.detail) > 0);
    nxt_conf_json_position(wrong, error.pos, &line, &column);
    CHECK(line == 2 && column == 8);
    CHECK(nxt_conf_json_parse(mp, NULL, NULL, NULL) == NULL);
    CHECK(nxt_conf_type(NULL) == NXT_CONF_NULL);
    CHECK(nxt_conf_json_length(NULL, NULL) == 0);
}


static void
making(void)
{
    nxt_str_t         name = nxt_string("name"), text = nxt_string("text");
    nxt_conf_value_t  *object, *array;

    array = nxt_conf_create_array(mp, 2);
    CHECK(nxt_conf_set_element_string_dup(array, mp, 0, &text) == NXT_OK);
    CHECK(nxt_conf_set_element_string_dup(array, mp, 2, &text) == NXT_ERROR);
    nxt_conf_set_element(array, 1, NULL);

    object = nxt_conf_create_object(mp, 4);
    nxt_conf_set_member(object, &name, array, 0);
    nxt_conf_set_member_string(object, &text, &name, 1);
    nxt_conf_set_member_integer(object, &name, -5, 2);
    nxt_conf_set_member_null(object, &name, 3);
    nxt_conf_set_member_null(object, &name, 4);
    CHECK(is(object, "{\"name\":[\"text\",null],\"text\":\"name\","
                     "\"name\":-5,\"name\":null}"));
    CHECK(nxt_conf_set_member_dup(NULL, mp, &name, array, 0) == NXT_ERROR);
    CHECK(nxt_conf_set_string_dup(array, mp, &text) == NXT_OK);
    CHECK(is(array, "\"text\""));
    CHECK(nxt_conf_create_array(NULL, 1) == NULL);
}


static void
changing(void)
{
    nxt_str_t         path = nxt_string("/a/0");
    nxt_conf_op_t     *op;
    nxt_conf_value_t  *root, *copy;

    root = parse("{\"a\":[1,2]}");

    CHECK(nxt_conf_op_compile(mp, &op, root, &path, parse("9"), 0)
          == NXT_CONF_OP_OK);
    copy = nxt_conf_clone(mp, op, root);
    CHECK(is(copy, "{\"a\":[9,2]}") && is(root, "{\"a\":[1,2]}"));

    CHECK(nxt_conf_op_compile(mp, &op, root, &path, NULL, 0) == NXT_CONF_OP_OK);
    CHECK(is(nxt_conf_clone(mp, op, root), "{\"a\":[2]}"));
    CHECK(is(nxt_conf_clone(mp, NULL, root), "{\"a\":[1,2]}"));
    CHECK(nxt_conf_op_compile(mp, &op, root, &path, parse("9"), 1)
          == NXT_CONF_OP_NOT_ALLOWED);
    nxt_str_set(&path, "/b/c");
    CHECK(nxt_conf_op_compile(mp, &op, root, &path, parse("9"), 0)
          == NXT_CONF_OP_NOT_FOUND);
    CHECK(nxt_conf_op_compile(mp, NULL, NULL, NULL, NULL, 0)
          == NXT_CONF_OP_ERROR);
    CHECK(nxt_conf_clone(mp, NULL, NULL) == NULL);
}


typedef struct {
    uint8_t           flag;
    int32_t           number;
    nxt_msec_t        timeout;
    nxt_str_t         name;
    char              *text;
    nxt_conf_value_t  *rest;
} mapped_t;


static void
mapping(void)
{
    mapped_t                     data = { 7, 7, 7, nxt_null_string, NULL, NULL };
    static const nxt_conf_map_t  map[] = {
        { nxt_string("flag"), NXT_CONF_MAP_INT8, offsetof(mapped_t, flag) },
        { nxt_string("number"), NXT_CONF_MAP_INT32, offsetof(mapped_t, number) },
        { nxt_string("timeout"), NXT_CONF_MAP_MSEC, offsetof(mapped_t, timeout) },
        { nxt_string("name"), NXT_CONF_MAP_STR_COPY, offsetof(mapped_t, name) },
        { nxt_string("text"), NXT_CONF_MAP_CSTRZ, offsetof(mapped_t, text) },
        { nxt_string("rest"), NXT_CONF_MAP_PTR, offsetof(mapped_t, rest) },
    };

    CHECK(nxt_conf_map_object(mp, parse("{\"flag\":true,\"number\":\"no\","
                                        "\"timeout\":3,\"name\":\"n\","
                                        "\"text\":\"t\",\"rest\":[1]}"),
                              map, nxt_nitems(map), &data) == NXT_OK);
    CHECK(data.flag == 1 && data.number == 7 && data.timeout == 3000);
    CHECK(nxt_str_eq(&data.name, "n", 1) && strcmp(data.text, "t") == 0);
    CHECK(is(data.rest, "[1]"));
    CHECK(nxt_conf_map_object(mp, NULL, map, 1, &data) == NXT_OK);
    CHECK(nxt_conf_map_object(mp, NULL, NULL, 1, &data) == NXT_ERROR);
}


static void
validating(void)
{
    nxt_conf_validation_t  check;

    memset(&check, 0, sizeof(check));
    check.pool = mp;
    check.conf = parse("{}");
    CHECK(nxt_conf_validate(&check) == NXT_OK);
    check.conf = parse("{\"nothing\":1}");
    CHECK(nxt_conf_validate(&check) == NXT_DECLINED && check.error.length > 0);
    CHECK(nxt_conf_validate(NULL) == NXT_ERROR);
}


static int
by_number(const void *a, const void *b)
{
    double  one = nxt_conf_get_number((nxt_conf_value_t *) a);
    double  two = nxt_conf_get_number((nxt_conf_value_t *) b);

    return (one > two) - (one < two);
}


static int
by_chance(const void *a, const void *b)
{
    static uint32_t  state = 1;

    (void) a;
    (void) b;
    state = state * 1664525 + 1013904223;

    return (int) (state >> 30) - 1;
}


/*
 * Rust's sort panics when it finds that a comparison contradicts itself.  The
 * caller goes on, and the log has the panic.
 */

static void
panicking(void)
{
    int               i, round, panicked, ends[2], old;
    char              text[64], record[65536];
    ssize_t           size;
    nxt_str_t         number;
    nxt_conf_value_t  *array;

    array = parse("[3,1,2]");
    nxt_conf_array_qsort(array, by_number);
    CHECK(is(array, "[1,2,3]"));
    nxt_conf_array_qsort(NULL, by_number);
    nxt_conf_array_qsort(array, NULL);

    array = nxt_conf_create_array(mp, 500);

    for (i = 0; i < 500; i++) {
        number.start = (u_char *) text;
        number.length = (size_t) snprintf(text, sizeof(text), "%d", i);
        nxt_conf_set_element_string_dup(array, mp, (nxt_uint_t) i, &number);
    }

    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    old = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    panicked = 0;

    for (round = 0; round < 200 && !panicked; round++) {
        nxt_conf_array_qsort(array, by_chance);
        size = read(ends[0], record, sizeof(record) - 1);

        if (size > 0) {
            record[size] = '\0';
            panicked = strstr(record, "nxt_conf_array_qsort() panicked") != NULL;
        }
    }

    dup2(old, STDERR_FILENO);
    CHECK(panicked);
    CHECK(nxt_conf_array_elements_count(array) == 500);
    close(old);
    close(ends[0]);
    close(ends[1]);
}


int
main(void)
{
    mp = nxt_mp_create(4096, 128, 1024, 64);

    reading();
    making();
    changing();
    mapping();
    validating();
    panicking();

    nxt_mp_destroy(mp);

    return REPORT("conf");
}
