/* A check that says where it failed, and what a test program answers. */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static int  checks, failures;

#define CHECK(condition)                                                      \
    do {                                                                      \
        checks++;                                                             \
        if (!(condition)) {                                                   \
            failures++;                                                       \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
        }                                                                     \
    } while (0)

#define REPORT(name)  \
    (printf("%s: %d checks, %d failed\n", (name), checks, failures),  \
     failures != 0)

#endif /* CHECK_H */
