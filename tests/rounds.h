/* rounds.h - how many rounds a randomized test runs.
 *
 * PAGODA_TEST_ROUNDS is a percentage of the usual number: 25 under sanitizers, which are slow;
 * 1000 for a long search by hand. Unset or unreadable, it is 100.
 */
#ifndef TESTS_ROUNDS_H
#define TESTS_ROUNDS_H

#include <stdlib.h>

/* `usual` scaled, at least 1. */
static inline unsigned test_rounds(unsigned usual)
{
    const char *text = getenv("PAGODA_TEST_ROUNDS");
    unsigned long percent = text ? strtoul(text, NULL, 10) : 100;
    unsigned long long rounds = (unsigned long long)usual * (percent ? percent : 100) / 100;
    return rounds ? (unsigned)rounds : 1;
}

#endif
