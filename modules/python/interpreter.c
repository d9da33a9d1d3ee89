/*
 * interpreter.c: starts the interpreter as the configuration asks ("home",
 * "path"), and prints exceptions the way an operator wants to see them.
 */

#include "python.h"


static nxt_int_t start_in_home(nxt_task_t *task, const char *home);
static nxt_int_t extend_path(nxt_task_t *task, nxt_conf_value_t *value);
static nxt_int_t set_argv(nxt_task_t *task);
static void display_exit_exception(void);


nxt_int_t
nxtpy_interpreter_start(nxt_task_t *task, nxt_python_app_conf_t *conf)
{
    if (conf->home != NULL) {
        if (start_in_home(task, conf->home) != NXT_OK) {
            return NXT_ERROR;
        }

    } else {
        /* 0: signals belong to unitd, Python installs no handlers. */
        Py_InitializeEx(0);
    }

    if (extend_path(task, conf->path) != NXT_OK || set_argv(task) != NXT_OK) {
        nxtpy_print_exception();
        (void) Py_FinalizeEx();

        return NXT_ERROR;
    }

    return NXT_OK;
}


/*
 * A home with a pyvenv.cfg (PEP 405) is a virtual environment: Python finds
 * it through the path of its executable.  Any other home is a PYTHONHOME.
 * Both isolate the interpreter from PYTHON* variables and the user's site.
 */
static nxt_int_t
start_in_home(nxt_task_t *task, const char *home)
{
    char         *path;
    bool         venv;
    size_t       size;
    PyConfig     config;
    PyStatus     status;
    PyPreConfig  preconfig;

    static const char  marker[] = "/pyvenv.cfg";
    static const char  executable[] = "/bin/python";

    size = strlen(home) + nxt_max(sizeof(marker), sizeof(executable));

    path = malloc(size);
    if (path == NULL) {
        nxt_alert(task, "Failed to allocate memory");
        return NXT_ERROR;
    }

    (void) snprintf(path, size, "%s%s", home, marker);
    venv = (access(path, R_OK) == 0);

    (void) snprintf(path, size, "%s%s", home, venv ? executable : "");

    PyPreConfig_InitIsolatedConfig(&preconfig);

    /* -1: UTF-8 mode follows the locale, as the python command does it. */
    preconfig.utf8_mode = -1;

    status = Py_PreInitialize(&preconfig);
    if (PyStatus_Exception(status)) {
        free(path);
        goto fail;
    }

    PyConfig_InitIsolatedConfig(&config);

    status = PyConfig_SetBytesString(&config,
                                     venv ? &config.program_name : &config.home,
                                     path);
    free(path);

    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }

    PyConfig_Clear(&config);

    if (!PyStatus_Exception(status)) {
        return NXT_OK;
    }

fail:

    nxt_alert(task, "Failed to initialise Python in home \"%s\": %s", home,
              status.err_msg != NULL ? status.err_msg : "unknown error");

    return NXT_ERROR;
}


/* Puts the directories of "path" before all others, in their order. */
static nxt_int_t
extend_path(nxt_task_t *task, nxt_conf_value_t *value)
{
    int               rc;
    PyObject          *sys_path, *entry;
    nxt_str_t         str;
    nxt_uint_t        i, n;
    nxt_conf_value_t  *item;

    if (value == NULL) {
        return NXT_OK;
    }

    sys_path = PySys_GetObject("path");
    if (sys_path == NULL || !PyList_Check(sys_path)) {
        nxt_alert(task, "Python failed to get \"sys.path\" list");
        return NXT_ERROR;
    }

    rc = 0;
    n = nxt_conf_array_elements_count_or_1(value);

    for (i = 0; rc == 0 && i < n; i++) {
        item = nxt_conf_get_array_element_or_itself(value, i);

        nxt_conf_get_string(item, &str);

        entry = PyUnicode_DecodeFSDefaultAndSize((char *) str.start,
                                                 (Py_ssize_t) str.length);

        rc = (entry != NULL) ? PyList_Insert(sys_path, i, entry) : -1;

        Py_XDECREF(entry);
    }

    if (rc == 0) {
        return NXT_OK;
    }

    nxt_alert(task, "Python failed to insert \"%V\" into \"sys.path\"", &str);

    return NXT_ERROR;
}


static nxt_int_t
set_argv(nxt_task_t *task)
{
    int       rc;
    PyObject  *argv;

    argv = Py_BuildValue("[s]", "unit");

    rc = (argv != NULL) ? PySys_SetObject("argv", argv) : -1;

    Py_XDECREF(argv);

    if (rc != 0) {
        nxt_alert(task, "Python failed to set the \"sys.argv\" list");
        return NXT_ERROR;
    }

    return NXT_OK;
}


/*
 * Prints and clears the pending exception.  It goes through sys.excepthook,
 * so that an application's own hook sees it; except for SystemExit, which the
 * interpreter would take for an order to leave the process: one request that
 * calls sys.exit() must not take the others with it.
 */
void
nxtpy_print_exception(void)
{
    PyObject  *stream, *result;

    if (PyErr_Occurred() == NULL) {
        return;
    }

    if (PyErr_ExceptionMatches(PyExc_SystemExit)) {
        display_exit_exception();

    } else {
        PyErr_PrintEx(0);
    }

    /* The stream may be buffered, and the process may be about to end. */
    stream = PySys_GetObject("stderr");

    if (stream != NULL && stream != Py_None) {
        result = PyObject_CallMethod(stream, "flush", NULL);
        Py_XDECREF(result);
    }

    PyErr_Clear();
}


static void
display_exit_exception(void)
{
#if PY_VERSION_HEX >= 0x030C0000

    PyObject  *exc;

    exc = PyErr_GetRaisedException();

    PyErr_DisplayException(exc);

    Py_XDECREF(exc);

#else

    PyObject  *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);

    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }

    PyErr_Display(type, value, traceback);

    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);

#endif
}
