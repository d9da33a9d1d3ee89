/*
 * One side of the queues of shared memory; queues.rs starts it and is the other
 * side.  The memory is the standard input.  What the threads saw goes to the
 * standard output, each thread's as its length and that many numbers of 32 bits,
 * after an empty one that says that it begins.
 *
 *   queues init KIND
 *   queues move KIND ATTEMPTS FIRST_OWNER     nncq, nvbcq
 *   queues pass KIND MESSAGES FIRST_WRITER    port, app
 *   queues churn KIND
 */

#include <nxt_main.h>
#include <nxt_app_queue.h>
#include <nxt_nvbcq.h>
#include <nxt_port_queue.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MOVERS = 3, WRITERS = 2, READERS = 2, CHURNERS = 2 };

/* The writer of a message is in the upper bits of its stream. */
#define STREAM(writer, number)  ((uint32_t) (writer) << 20 | (number))
#define STOP  UINT32_MAX

enum kind { NNCQ, NVBCQ, PORT, APP };

static const char *const names[] = { "nncq", "nvbcq", "port", "app" };

/* Two queues, and for each number the thread that has it in hand. */
struct nncq_pair {
    nxt_nncq_t queues[2];
    uint32_t owners[NXT_NNCQ_SIZE];
};

struct nvbcq_pair {
    nxt_nvbcq_t queues[2];
    uint32_t owners[NXT_NVBCQ_SIZE];
};

static const size_t sizes[] = {
    sizeof(struct nncq_pair), sizeof(struct nvbcq_pair),
    sizeof(nxt_port_queue_t), sizeof(nxt_app_queue_t),
};

static enum kind              kind;
static void                   *memory;
static uint32_t               count, first;
static volatile sig_atomic_t  stop;

struct seen {
    uint32_t length;
    uint32_t *numbers;
};

struct worker {
    pthread_t    thread;
    uint32_t     id;
    struct seen  seen;
};

static void
fail(const char *what, uint32_t number)
{
    fprintf(stderr, "queues %s: %s %x\n", names[kind], what, number);
    _exit(2);
}

/* The number of bytes follows from the stream, and so does each of them. */

static uint8_t
message_size(uint32_t stream)
{
    return 4 + stream % (NXT_PORT_QUEUE_MSG_SIZE - 3);
}

static uint8_t
compose(uint8_t *message, uint32_t stream)
{
    uint8_t  size = message_size(stream);

    memcpy(message, &stream, 4);
    for (int i = 4; i < size; i++) {
        message[i] = (uint8_t) (stream * 31 + i);
    }
    return size;
}

static uint32_t
check(const uint8_t *message, ssize_t size)
{
    uint32_t  stream = 0;
    uint8_t   wanted[NXT_PORT_QUEUE_MSG_SIZE];

    memcpy(&stream, message, 4);
    if (size != compose(wanted, stream) || memcmp(message, wanted, size) != 0) {
        fail("torn message", stream);
    }
    return stream;
}

static int
put(uint32_t stream, uint32_t *cookie)
{
    int      notify;
    uint8_t  size, message[NXT_PORT_QUEUE_MSG_SIZE];

    size = compose(message, stream);
    if (kind == PORT) {
        return nxt_port_queue_send(memory, message, size, &notify);
    }
    return nxt_app_queue_send(memory, message, size, stream, &notify, cookie);
}

static int
take(uint32_t *stream)
{
    ssize_t   size;
    uint32_t  cookie;
    uint8_t   message[NXT_PORT_QUEUE_MSG_SIZE];

    if (kind == PORT) {
        size = nxt_port_queue_recv(memory, message);
        if (size >= 0) {
            *stream = check(message, size);
        }
        return size >= 0;
    }
    for ( ;; ) {
        size = nxt_app_queue_recv(memory, message, &cookie);
        if (size < 0) {
            return 0;
        }
        *stream = check(message, size);
        if (nxt_app_queue_cancel(memory, cookie, *stream)) {
            return 1;
        }
    }
}

static void *
write_messages(void *arg)
{
    uint32_t       n, stream, cookie;
    struct worker  *self = arg;

    for (n = 1; n <= count; n++) {
        stream = STREAM(self->id, n);
        while (put(stream, &cookie) != NXT_OK) {
            sched_yield();
        }
        /* Some are taken back, if no reader has been faster. */
        if (kind == APP && n % 8 == 0
            && nxt_app_queue_cancel(memory, cookie, stream))
        {
            self->seen.numbers[self->seen.length++] = stream;
        }
    }
    return NULL;
}

static void *
read_messages(void *arg)
{
    uint32_t       stream;
    struct worker  *self = arg;

    for ( ;; ) {
        if (!take(&stream)) {
            sched_yield();
            continue;
        }
        if (stream == STOP) {
            return NULL;
        }
        self->seen.numbers[self->seen.length++] = stream;
    }
}

static uint32_t
take_number(int from)
{
    return kind == NNCQ
           ? nxt_nncq_dequeue(&((struct nncq_pair *) memory)->queues[from])
           : nxt_nvbcq_dequeue(&((struct nvbcq_pair *) memory)->queues[from]);
}

static void
put_number(int to, uint32_t number)
{
    if (kind == NNCQ) {
        nxt_nncq_enqueue(&((struct nncq_pair *) memory)->queues[to], number);
    } else {
        nxt_nvbcq_enqueue(&((struct nvbcq_pair *) memory)->queues[to], number);
    }
}

static void *
move_numbers(void *arg)
{
    uint32_t           n, number, *owners;
    struct worker      *self = arg;

    owners = kind == NNCQ ? ((struct nncq_pair *) memory)->owners
                          : ((struct nvbcq_pair *) memory)->owners;
    for (n = 0; n < count; n++) {
        number = take_number(self->id & 1);
        if (number == NXT_NNCQ_SIZE) {
            sched_yield();
            continue;
        }
        if (!nxt_atomic_cmp_set(&owners[number], 0, self->id)
            || !nxt_atomic_cmp_set(&owners[number], self->id, 0))
        {
            fail("two owners of", number);
        }
        put_number(!(self->id & 1), number);
        self->seen.numbers[0]++;
    }
    return NULL;
}

static void *
churn(void *arg)
{
    uint32_t       n, stream, cookie;
    struct worker  *self = arg;

    for (n = 1; !stop; n = n % 0xFFFFF + 1) {
        (void) put(STREAM(self->id, n), &cookie);
        (void) take(&stream);
        self->seen.numbers[0]++;
    }
    return NULL;
}

static void
on_term(int number)
{
    (void) number;
    stop = 1;
}

static void
start(struct worker *worker, uint32_t id, void *(*run)(void *), size_t room)
{
    worker->id = id;
    worker->seen.numbers = calloc(room, sizeof(uint32_t));
    if (worker->seen.numbers == NULL
        || pthread_create(&worker->thread, NULL, run, worker) != 0)
    {
        fail("cannot start thread", id);
    }
}

static void
report(const struct seen *seen)
{
    fwrite(&seen->length, sizeof(uint32_t), 1, stdout);
    fwrite(seen->numbers, sizeof(uint32_t), seen->length, stdout);
}

/* Waits for a thread and says what it saw. */

static void
finish(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
    report(&worker->seen);
    free(worker->seen.numbers);
}

static void
initialise(void)
{
    if (kind == NNCQ || kind == NVBCQ) {
        for (int side = 0; side < 2; side++) {
            if (kind == NNCQ) {
                nxt_nncq_init(&((struct nncq_pair *) memory)->queues[side]);
            } else {
                nxt_nvbcq_init(&((struct nvbcq_pair *) memory)->queues[side]);
            }
        }
        for (uint32_t number = 0; number < NXT_NNCQ_SIZE; number++) {
            put_number(0, number);
        }
    } else if (kind == PORT) {
        nxt_port_queue_init(memory);
    } else {
        nxt_app_queue_init(memory);
    }
}

/* Threads of one kind: starts them all, and reports when they have finished. */

static void
run(int threads, void *(*body)(void *))
{
    struct worker  workers[MOVERS];

    for (int i = 0; i < threads; i++) {
        start(&workers[i], first + i, body, 1);
        workers[i].seen.length = 1;
    }
    for (int i = 0; i < threads; i++) {
        finish(&workers[i]);
    }
}

static void
pass(void)
{
    /* Readers may get all there is: as many writers are on the other side. */
    size_t         all = (size_t) count * WRITERS * 2;
    struct worker  writers[WRITERS], readers[READERS];

    for (int i = 0; i < READERS; i++) {
        start(&readers[i], i, read_messages, all);
    }
    for (int i = 0; i < WRITERS; i++) {
        start(&writers[i], first + i, write_messages, count);
    }
    for (int i = 0; i < WRITERS; i++) {
        finish(&writers[i]);
    }
    /* Now the other side queues a STOP for each reader. */
    fflush(stdout);
    for (int i = 0; i < READERS; i++) {
        finish(&readers[i]);
    }
}

int
main(int argc, char **argv)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(60);
    signal(SIGTERM, on_term);

    if (argc < 3) {
        return 1;
    }
    while (strcmp(names[kind], argv[2]) != 0) {
        if (++kind > APP) {
            return 1;
        }
    }
    count = argc > 3 ? (uint32_t) strtoul(argv[3], NULL, 10) : 0;
    first = argc > 4 ? (uint32_t) strtoul(argv[4], NULL, 10) : 1;

    memory = mmap(NULL, sizes[kind], PROT_READ | PROT_WRITE, MAP_SHARED, 0, 0);
    if (memory == MAP_FAILED) {
        perror("mmap()");
        return 1;
    }

    report(&(struct seen) { 0, NULL });
    fflush(stdout);

    if (strcmp(argv[1], "init") == 0) {
        initialise();
    } else if (strcmp(argv[1], "move") == 0) {
        run(MOVERS, move_numbers);
    } else if (strcmp(argv[1], "churn") == 0) {
        run(CHURNERS, churn);
    } else if (strcmp(argv[1], "pass") == 0) {
        pass();
    } else {
        return 1;
    }
    return 0;
}
