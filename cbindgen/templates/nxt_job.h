/* Jobs: work with memory of its own, which a pool of threads may do. */

#ifndef NXT_JOB_H
#define NXT_JOB_H

@ nxt_job_t

@ nxt_job_create

@ nxt_job_init

@ nxt_job_destroy

@ nxt_job_start

@ nxt_job_return

/** The job's aborting handler is called in place of the one it returns to. */
#define nxt_job_cancel(job)  ((job)->cancel = 1)

#if (NXT_DEBUG)
#define nxt_job_set_name(job, text)  ((job)->name = (text))
#else
#define nxt_job_set_name(job, text)
#endif

#endif /* NXT_JOB_H */
