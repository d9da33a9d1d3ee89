/* A language module that answers with what it reads of its host's data objects. */

#include <nxt_main.h>
#include <nxt_router.h>
#include <nxt_main_process.h>
#include <nxt_unit.h>

#include <stdio.h>


static void
serve(nxt_unit_request_info_t *req)
{
    int   result, length;
    char  text[512];

    length = snprintf(text, sizeof(text),
                      "{\"pid\": %d, \"ppid\": %d, \"euid\": %d, \"ncpu\": %u,"
                      " \"pagesize\": %u, \"conf_ver\": %u, \"program\": \"%s\","
                      " \"environ\": %d, \"thread\": %d, \"logs\": %d}",
                      nxt_pid, nxt_ppid, nxt_euid, nxt_ncpu, nxt_pagesize,
                      nxt_conf_ver, nxt_process_argv[0],
                      *nxt_process_environ == environ,
                      nxt_main_task.thread == nxt_thread(), nxt_app_set_logs());

    result = nxt_unit_response_init(req, 200, 0, length);

    if (result == NXT_UNIT_OK) {
        result = nxt_unit_response_add_content(req, text, length);
    }

    if (result == NXT_UNIT_OK) {
        result = nxt_unit_response_send(req);
    }

    nxt_unit_request_done(req, result);
}


static nxt_int_t
start(nxt_task_t *task, nxt_process_data_t *data)
{
    nxt_unit_ctx_t   *ctx;
    nxt_unit_init_t  init;

    if (nxt_unit_default_init(task, &init, data->app) != NXT_OK) {
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
    .type = nxt_string("perl"),
    .version = "1",
    .start = start,
};
