/*
 * targets.c: turns "module", "callable", "factory" and "prefix" of the
 * application, or of each of its "targets", into callables.
 */

#include "python.h"


nxtpy_target_t  *nxtpy_targets;
uint32_t        nxtpy_targets_count;


static nxt_int_t load_target(nxt_task_t *task, nxtpy_target_t *target,
    nxt_conf_value_t *conf);
static PyObject *find_object(nxt_task_t *task, const char *module_name,
    const char *name);
static PyObject *call_factory(nxt_task_t *task, PyObject *factory,
    const char *module_name, const char *name);
static nxt_int_t set_prefix(nxt_task_t *task, nxtpy_target_t *target,
    nxt_conf_value_t *conf);
static char *member_string(nxt_conf_value_t *conf, const nxt_str_t *name,
    const char *fallback);


nxt_int_t
nxtpy_targets_load(nxt_task_t *task, nxt_common_app_conf_t *conf)
{
    uint32_t          i, n, next;
    nxt_int_t         ret;
    nxt_str_t         name;
    nxt_conf_value_t  *targets, *value;

    targets = conf->u.python.targets;

    n = (targets != NULL) ? nxt_conf_object_members_count(targets) : 1;

    nxtpy_targets = calloc(n, sizeof(nxtpy_target_t));
    if (nxtpy_targets == NULL) {
        nxt_alert(task, "Could not allocate targets");
        return NXT_ERROR;
    }

    nxtpy_targets_count = n;

    if (targets == NULL) {
        return load_target(task, &nxtpy_targets[0], conf->self);
    }

    next = 0;
    ret = NXT_OK;

    for (i = 0; i < n && ret == NXT_OK; i++) {
        value = nxt_conf_next_object_member(targets, &name, &next);

        ret = (value != NULL) ? load_target(task, &nxtpy_targets[i], value)
                              : NXT_ERROR;
    }

    return ret;
}


void
nxtpy_targets_free(void)
{
    uint32_t        i;
    nxtpy_target_t  *target;

    for (i = 0; i < nxtpy_targets_count; i++) {
        target = &nxtpy_targets[i];

        Py_CLEAR(target->application);
        Py_CLEAR(target->prefix_latin1);
        Py_CLEAR(target->prefix_utf8);

        free(target->prefix);
    }

    free(nxtpy_targets);

    nxtpy_targets = NULL;
    nxtpy_targets_count = 0;
}


static nxt_int_t
load_target(nxt_task_t *task, nxtpy_target_t *target, nxt_conf_value_t *conf)
{
    char              *module_name, *name;
    PyObject          *object;
    nxt_conf_value_t  *factory;

    static const nxt_str_t  module_str = nxt_string("module");
    static const nxt_str_t  callable_str = nxt_string("callable");
    static const nxt_str_t  factory_str = nxt_string("factory");

    module_name = member_string(conf, &module_str, "");
    name = member_string(conf, &callable_str, "application");

    if (module_name == NULL || name == NULL) {
        nxt_alert(task, "Failed to allocate memory");
        goto done;
    }

    object = find_object(task, module_name, name);
    if (object == NULL) {
        goto done;
    }

    factory = nxt_conf_get_object_member(conf, &factory_str, NULL);

    if (factory != NULL && nxt_conf_get_boolean(factory)) {
        target->application = call_factory(task, object, module_name, name);

        Py_DECREF(object);

    } else if (PyCallable_Check(object)) {
        target->application = object;

    } else {
        nxt_alert(task, "\"%s\" in module \"%s\" is not a callable object",
                  name, module_name);

        Py_DECREF(object);
    }

done:

    free(module_name);
    free(name);

    if (target->application == NULL) {
        return NXT_ERROR;
    }

    return set_prefix(task, target, conf);
}


static PyObject *
find_object(nxt_task_t *task, const char *module_name, const char *name)
{
    PyObject  *module, *object;

    module = PyImport_ImportModule(module_name);
    if (module == NULL) {
        nxt_alert(task, "Python failed to import module \"%s\"", module_name);
        nxtpy_print_exception();

        return NULL;
    }

    object = PyObject_GetAttrString(module, name);

    Py_DECREF(module);

    if (object == NULL) {
        nxt_alert(task, "Python failed to get \"%s\" from module \"%s\"", name,
                  module_name);

        /* That the name is missing needs no traceback; other errors do. */
        if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear();

        } else {
            nxtpy_print_exception();
        }
    }

    return object;
}


static PyObject *
call_factory(nxt_task_t *task, PyObject *factory, const char *module_name,
    const char *name)
{
    PyObject  *application;

    if (!PyCallable_Check(factory)) {
        nxt_alert(task, "factory \"%s\" in module \"%s\" can not be called "
                  "to fetch callable", name, module_name);
        return NULL;
    }

    application = PyObject_CallNoArgs(factory);

    if (application == NULL) {
        nxt_alert(task, "factory \"%s\" in module \"%s\" failed", name,
                  module_name);
        nxtpy_print_exception();

    } else if (!PyCallable_Check(application)) {
        nxt_alert(task, "factory \"%s\" in module \"%s\" did not return "
                  "callable object", name, module_name);

        Py_CLEAR(application);
    }

    return application;
}


/* The prefix is kept without its trailing slash; "/" alone means none. */
static nxt_int_t
set_prefix(nxt_task_t *task, nxtpy_target_t *target, nxt_conf_value_t *conf)
{
    char       *prefix;
    size_t     length;

    static const nxt_str_t  prefix_str = nxt_string("prefix");

    prefix = member_string(conf, &prefix_str, "");
    if (prefix == NULL) {
        goto fail;
    }

    length = strlen(prefix);

    if (length != 0 && prefix[length - 1] == '/') {
        length--;
    }

    target->prefix = prefix;
    target->prefix_length = length;

    if (length == 0) {
        return NXT_OK;
    }

    target->prefix_latin1 = PyUnicode_DecodeLatin1(prefix, (Py_ssize_t) length,
                                                   NULL);
    target->prefix_utf8 = PyUnicode_DecodeUTF8(prefix, (Py_ssize_t) length,
                                               "replace");

    if (target->prefix_latin1 != NULL && target->prefix_utf8 != NULL) {
        return NXT_OK;
    }

fail:

    nxt_alert(task, "Failed to allocate target prefix string");

    return NXT_ERROR;
}


/* The prefix covers the path itself and what lies below it: "/a", "/a/b". */
bool
nxtpy_target_match_prefix(const nxtpy_target_t *target, const char *path,
    size_t length)
{
    size_t  n;

    n = target->prefix_length;

    return n != 0
           && length >= n
           && memcmp(path, target->prefix, n) == 0
           && (length == n || path[n] == '/');
}


/* A copy of a string member, or of the fallback, to be freed. */
static char *
member_string(nxt_conf_value_t *conf, const nxt_str_t *name,
    const char *fallback)
{
    char              *copy;
    nxt_str_t         str;
    nxt_conf_value_t  *value;

    value = nxt_conf_get_object_member(conf, name, NULL);
    if (value == NULL) {
        return strdup(fallback);
    }

    nxt_conf_get_string(value, &str);

    copy = malloc(str.length + 1);

    if (copy != NULL) {
        memcpy(copy, str.start, str.length);
        copy[str.length] = '\0';
    }

    return copy;
}
