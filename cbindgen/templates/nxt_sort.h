/* Sorting. */

#ifndef NXT_SORT_H
#define NXT_SORT_H

#define nxt_qsort  qsort

#endif /* NXT_SORT_H */
