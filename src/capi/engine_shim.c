/*
 * The loop of an engine. A handler may leave its thread by unwinding the stack
 * (nxt_thread_exit), which must not go through frames of Rust.
 */

#include <stddef.h>

#define EXPORT  __attribute__((visibility("default")))

typedef void (*nxt_work_handler_t)(void *task, void *obj, void *data);

nxt_work_handler_t nxt_event_engine_next(void *engine, void **task, void **obj,
    void **data);
void nxt_event_engine_wait(void *engine);
void nxt_event_engine_enter(void *engine);

EXPORT void nxt_event_engine_start(void *engine);


void
nxt_event_engine_start(void *engine)
{
    void                *task, *obj, *data;
    nxt_work_handler_t  handler;

    if (engine == NULL) {
        return;
    }

    nxt_event_engine_enter(engine);

    for ( ;; ) {
        handler = nxt_event_engine_next(engine, &task, &obj, &data);

        if (handler != NULL) {
            handler(task, obj, data);

        } else {
            nxt_event_engine_wait(engine);
        }
    }
}
