/*
 * An application that serves as it should, and of which one process dies between two steps of the
 * protocol: `faults PLACE`, run by unitd as an `external` application with several processes.
 */

#include "protocol.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char  *place;


/* Whether this is the place, and no process of the application has died yet. What remembers that is
   the last item of the common queue, which is not in use so soon. */
static int
dies_here(const char *here)
{
    uint32_t          nobody = 0;
    _Atomic uint32_t  *victim = &app_queue.items[(size_t) APP_N * 9 - 1];

    return strcmp(place, here) == 0 && atomic_compare_exchange_strong(victim, &nobody, own_pid);
}


static void
die(void)
{
    fprintf(stderr, "faults: dies\n");
    kill(getpid(), SIGKILL);
}


static struct worker *
port_of(unsigned id)
{
    struct worker  *w = worker_of(id);

    if (w == NULL || w->id != id) {
        /* The router has replaced it. */
        worker_count = 0;
        find_workers();
        w = worker_of(id);
    }
    return w;
}


static void
answer(struct header request)
{
    char           body[32] = { 0 };
    uint8_t        item = READ_SOCKET;
    uint32_t       head[6] = { 0, 0, 0, 8, 200, 4 };
    struct worker  *w = port_of(request.reply_port);
    struct header  ack = header(REQ_HEADERS_ACK, request.stream), data = header(DATA, request.stream);

    if (w == NULL) {
        return;
    }
    if (queue_send(&w->queue, &ack, sizeof(ack))) {
        send_message(w->fd, header(READ_QUEUE, 0), NULL, 0, NULL, 0);
    }
    if (dies_here("writing")) {
        /* Three items that are not counted, and one whose message is not sent. */
        for (int i = 0; i < 3; i++) {
            queue_put(&w->queue, &ack, sizeof(ack));
        }
        queue_send(&w->queue, &item, 1);
        die();
    }
    memcpy(body, head, sizeof(head));
    data.last = 1;
    queue_send(&w->queue, &item, 1);
    send_message(w->fd, data, body, sizeof(body), NULL, 0);
}


static int
is_told_to_leave(void)
{
    char           bytes[20000];
    int            fds[2], leaves = 0;
    int64_t        at;
    ssize_t        size;
    uint32_t       item[8];
    struct header  h;

    for ( ;; ) {
        for (int count = receive(bytes, &size, fds, 0); count > 0; count--) {
            close(fds[count - 1]);
        }
        if (size <= 0) {
            break;
        }
        memcpy(&h, bytes, sizeof(h));
        leaves |= h.type == QUIT;
    }
    while ((at = ring_pop(own_queue.used, PORT_N)) >= 0) {
        for (int w = 0; w < 8; w++) {
            item[w] = own_queue.items[(size_t) at * 8 + w];
        }
        memcpy(&h, (char *) item + 1, sizeof(h));
        leaves |= *(uint8_t *) item >= sizeof(h) && h.type == QUIT;
        ring_push(own_queue.free, PORT_N, at);
    }
    return leaves;
}


int
main(int argc, char **argv)
{
    char           wake[64];
    struct header  request;
    struct pollfd  p = { .events = POLLIN };

    if (argc != 2 || !read_environment()) {
        return 1;
    }
    place = argv[1];
    p.fd = shared_fd;
    become_ready();
    find_workers();
    fprintf(stderr, "faults: serves\n");
    while (take_request(&request, 1)) {
        answer(request);
    }
    while (!is_told_to_leave()) {
        if (poll(&p, 1, 100) != 1 || recv(shared_fd, wake, sizeof(wake), MSG_DONTWAIT) <= 0) {
            continue;
        }
        if (dies_here("woken")) {
            /* It has taken the wake-up, and not said that it is awake. */
            die();
        }
        atomic_store(app_queue.counter, 0);
        while (take_request(&request, 1)) {
            answer(request);
        }
    }
    return 0;
}
