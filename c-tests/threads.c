/* Threads with their states, locks, conditions, clocks, random numbers, logs. */

#include <nxt_main.h>

#include "check.h"

extern char  **environ;

static int                    turns;
static nxt_thread_t           *seen[2];
static nxt_thread_cond_t      cond;
static nxt_thread_mutex_t     mutex;
static nxt_thread_spinlock_t  lock;


static void
work(void *data)
{
    int  i;

    seen[(intptr_t) data] = nxt_thread();
    nxt_thread_mutex_lock(&mutex);
    nxt_thread_mutex_unlock(&mutex);

    for (i = 0; i < 10000; i++) {
        nxt_thread_spin_lock(&lock);
        turns++;
        nxt_thread_spin_unlock(&lock);
    }

    nxt_thread_mutex_lock(&mutex);
    nxt_thread_cond_signal(&cond);
    nxt_thread_mutex_unlock(&mutex);
}


static void
threads(void)
{
    int                  i;
    nxt_thread_link_t    *link;
    nxt_thread_handle_t  handle[2];

    CHECK(nxt_thread_mutex_create(&mutex) == NXT_OK);
    CHECK(nxt_thread_cond_create(&cond) == NXT_OK);
    CHECK(nxt_thread_mutex_lock(&mutex) == NXT_OK);
    CHECK(nxt_thread_mutex_lock(&mutex) == NXT_ERROR);
    CHECK(nxt_thread_mutex_trylock(&mutex) == 0);

    for (i = 0; i < 2; i++) {
        link = nxt_zalloc(sizeof(nxt_thread_link_t));
        link->start = work;
        link->work.data = (void *) (intptr_t) i;
        CHECK(nxt_thread_create(&handle[i], link) == NXT_OK);
    }

    CHECK(nxt_thread_cond_wait(&cond, &mutex, NXT_INFINITE_NSEC) == 0);
    CHECK(nxt_thread_mutex_unlock(&mutex) == NXT_OK);
    nxt_thread_wait(handle[0]);
    nxt_thread_wait(handle[1]);

    CHECK(turns == 20000);
    CHECK(seen[0] != NULL && seen[0] != seen[1] && seen[0] != nxt_thread());

    CHECK(nxt_thread_mutex_trylock(&mutex) == 1);
    CHECK(nxt_thread_cond_wait(&cond, &mutex, 1000000) == ETIMEDOUT);
    nxt_thread_mutex_unlock(&mutex);
    CHECK(nxt_thread_mutex_unlock(&mutex) == NXT_ERROR);
    CHECK(nxt_thread_cond_wait(NULL, NULL, 0) == NXT_ERROR);
    CHECK(nxt_thread_mutex_lock(NULL) == NXT_ERROR);
    CHECK(nxt_thread_create(NULL, NULL) == NXT_ERROR);
    nxt_thread_cond_destroy(&cond);
    nxt_thread_mutex_destroy(&mutex);

    CHECK(nxt_thread_spin_trylock(&lock) && !nxt_thread_spin_trylock(&lock));
    nxt_thread_spin_unlock(&lock);
    nxt_thread_spin_lock(NULL);
    CHECK(nxt_thread_tid(nxt_thread()) == nxt_thread_get_tid());
}


static u_char *
print(u_char *buf, nxt_realtime_t *now, struct tm *tm, size_t size,
    const char *format)
{
    turns++;
    (void) now;

    return nxt_sprintf(buf, buf + size, format, tm->tm_year + 1900);
}


static void
times(void)
{
    u_char             buf[16];
    struct tm          mine, theirs;
    nxt_time_t         at;
    nxt_thread_t       *thr = nxt_thread();
    nxt_realtime_t     real;
    nxt_time_string_t  text = { (nxt_atomic_uint_t) -1, print, "%d", 8,
                                NXT_THREAD_TIME_GMT, NXT_THREAD_TIME_SEC };

    for (at = 0; at < (nxt_time_t) 1 << 33; at += 86400 * 13 + 3607) {
        memset(&mine, 0, sizeof(mine));
        nxt_gmtime(at, &mine);
        gmtime_r(&at, &theirs);
        CHECK(mine.tm_year == theirs.tm_year && mine.tm_yday == theirs.tm_yday
              && mine.tm_mon == theirs.tm_mon && mine.tm_mday == theirs.tm_mday
              && mine.tm_wday == theirs.tm_wday && mine.tm_sec == theirs.tm_sec
              && mine.tm_hour == theirs.tm_hour && mine.tm_min == theirs.tm_min);
    }

    nxt_realtime(&real);
    nxt_thread_time_update(thr);
    CHECK(nxt_thread_time(thr) - real.sec <= 1);
    CHECK(nxt_thread_realtime(thr)->nsec < 1000000000);
    CHECK(nxt_thread_monotonic_time(thr) > 0);
    nxt_localtime(real.sec, &mine);
    CHECK(mine.tm_year > 120);

    turns = 0;
    CHECK(nxt_thread_time_string(thr, &text, buf) == buf + 4);
    CHECK(nxt_thread_time_string(thr, &text, buf) == buf + 4 && buf[0] == '2');
    CHECK(turns >= 1 && turns <= 2 && text.slot == 0);
    CHECK(nxt_thread_time_string(NULL, &text, buf) == buf + 4);
    CHECK(nxt_thread_time_string(thr, NULL, buf) == buf);
    nxt_thread_time_free(thr);
    nxt_gmtime(0, NULL);
    nxt_realtime(NULL);
    nxt_timezone_update();
    nxt_nanosleep(1000);
}


static void
chance(void)
{
    nxt_random_t  one, two;

    nxt_random_init(&one);
    nxt_random_init(&two);
    CHECK(nxt_random(&one) != nxt_random(&two) || nxt_random(&one) != nxt_random(&two));
    CHECK(nxt_random_test(nxt_thread()) == NXT_OK);
    CHECK(nxt_random(NULL) == 0);
}


static void
moderation(void)
{
    int                   i, allowed = 0;
    nxt_log_moderation_t  often = { NXT_LOG_INFO, 2, "something",
                                    NXT_LOG_MODERATION };

    for (i = 0; i < 100; i++) {
        allowed += (int) nxt_log_moderate_allow(&often);
    }

    /* A second may have begun meanwhile. */
    CHECK(allowed >= 2 && allowed <= 4);
    CHECK(nxt_log_moderate_allow(NULL) == 0);
}


int
main(int argc, char **argv)
{
    (void) argc;
    CHECK(nxt_lib_start("threads", argv, &environ) == NXT_OK);
    CHECK(nxt_pid == getpid() && nxt_euid == geteuid() && nxt_ncpu >= 1);
    CHECK(nxt_pagesize >= 4096);
    /* A copy: a title may take the place of the arguments. */
    CHECK(strcmp(nxt_process_argv[0], argv[0]) == 0 && nxt_process_argv[1] == NULL);
    CHECK(nxt_main_task.thread == nxt_thread());
    CHECK(nxt_thread()->log == &nxt_main_log);

    threads();
    times();
    chance();
    moderation();

    return REPORT("threads");
}
