/*
 * The smallest language module: what discovery and a prototype look at.  It
 * is linked as modules are, with libunit inside, and symbols.sh looks at what
 * it exports and at what it takes from its host.
 */

#include <nxt_main.h>
#include <nxt_router.h>
#include <nxt_unit.h>

static void
serve(nxt_unit_request_info_t *req)
{
    int  result;

    result = nxt_unit_response_init(req, 200, 0, 0);

    nxt_unit_request_done(req, result);
}


static nxt_int_t
start(nxt_task_t *task, nxt_process_data_t *data)
{
    nxt_unit_ctx_t   *ctx;
    nxt_unit_init_t  init;

    if (nxt_unit_default_init(task, &init, data->app) != NXT_OK) {
        nxt_alert(task, "nxt_unit_default_init() failed");
        return NXT_ERROR;
    }

    init.callbacks.request_handler = serve;

    ctx = nxt_unit_init(&init);
    if (ctx == NULL) {
        return NXT_ERROR;
    }

    nxt_unit_run(ctx);
    nxt_unit_done(ctx);

    exit(0);
}


static uint32_t  compatibility[] = { NXT_VERNUM, NXT_DEBUG };

NXT_EXPORT nxt_app_module_t  nxt_app_module = {
    .compat_length = sizeof(compatibility),
    .compat = compatibility,
    .type = nxt_string("smallest"),
    .version = "1",
    .start = start,
};
