/*
 * module.c: the module's face to unitd, and the life of an application
 * process: interpreter, targets, protocol, contexts, libunit, and back.
 */

#include "python.h"
#include PYTHON_MOUNTS_H


static nxt_int_t python_start(nxt_task_t *task, nxt_process_data_t *data);
static const nxtpy_protocol_t *choose_protocol(nxt_task_t *task,
    nxt_python_app_conf_t *conf);


static uint32_t  compat[] = {
    NXT_VERNUM, NXT_DEBUG,
};


NXT_EXPORT nxt_app_module_t  nxt_app_module = {
    .compat_length = sizeof(compat),
    .compat        = compat,
    .type          = nxt_string("python"),
    .version       = PY_VERSION,
    .mounts        = nxtpy_mounts,
    .nmounts       = nxt_nitems(nxtpy_mounts),
    .setup         = NULL,
    .start         = python_start,
};


/*
 * Entry point of an application process.  Returns only if the application
 * cannot start; a process that served leaves through exit(), so that atexit
 * handlers of the application's C extensions run.
 */
static nxt_int_t
python_start(nxt_task_t *task, nxt_process_data_t *data)
{
    int                     rc;
    void                    *context;
    nxt_unit_ctx_t          *ctx;
    nxt_unit_init_t         init;
    nxt_common_app_conf_t   *app;
    nxt_python_app_conf_t   *conf;
    const nxtpy_protocol_t  *protocol;

    app = data->app;
    conf = &app->u.python;
    context = NULL;

    if (nxtpy_interpreter_start(task, conf) != NXT_OK) {
        return NXT_ERROR;
    }

    if (nxtpy_targets_load(task, app) != NXT_OK) {
        goto fail;
    }

    protocol = choose_protocol(task, conf);
    if (protocol == NULL) {
        goto fail;
    }

    if (nxt_unit_default_init(task, &init, app) != NXT_OK) {
        nxt_alert(task, "failed to prepare the connection to the router");
        goto fail;
    }

    init.data = conf;
    init.callbacks.ready_handler = nxtpy_threads_start;

    if (protocol->init(&init, conf) != NXT_UNIT_OK) {
        goto fail;
    }

    context = protocol->context_new();
    if (context == NULL) {
        goto fail;
    }

    init.ctx_data = context;

    if (nxtpy_threads_prepare(protocol, conf) != NXT_UNIT_OK) {
        goto fail;
    }

    if (protocol->startup != NULL
        && protocol->startup(context) != NXT_UNIT_OK)
    {
        goto fail;
    }

    ctx = nxt_unit_init(&init);
    if (ctx == NULL) {
        goto fail;
    }

    rc = protocol->run(ctx);

    nxtpy_threads_join();

    nxt_unit_done(ctx);

    protocol->context_free(context);
    nxtpy_targets_free();

    (void) Py_FinalizeEx();

    exit(rc);

fail:

    nxtpy_threads_join();

    if (context != NULL) {
        protocol->context_free(context);
    }

    nxtpy_targets_free();

    (void) Py_FinalizeEx();

    return NXT_ERROR;
}


/* The "protocol" option wins; without it all targets must look alike. */
static const nxtpy_protocol_t *
choose_protocol(nxt_task_t *task, nxt_python_app_conf_t *conf)
{
    bool      asgi;
    uint32_t  i;

    static const nxt_str_t  asgi_str = nxt_string("asgi");

    if (conf->protocol.length != 0) {
        asgi = nxt_strstr_eq(&conf->protocol, &asgi_str);

        return asgi ? &nxtpy_asgi : &nxtpy_wsgi;
    }

    asgi = nxtpy_is_asgi(nxtpy_targets[0].application);

    for (i = 1; i < nxtpy_targets_count; i++) {
        if (nxtpy_is_asgi(nxtpy_targets[i].application) != asgi) {
            nxt_alert(task, "A mix of ASGI & WSGI targets is forbidden, "
                      "specify protocol in config if incorrect");
            return NULL;
        }
    }

    return asgi ? &nxtpy_asgi : &nxtpy_wsgi;
}
