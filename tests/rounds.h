/* rounds.h - how many rounds a randomized test runs, and from which seed on.
 *
 * PAGODA_TEST_ROUNDS is a percentage of the usual number: 25 under sanitizers, which are slow;
 * 1000 for a long search by hand. Unset or unreadable, it is 100.
 *
 * PAGODA_TEST_OPERATIONS is how many operations each thing undergoes of what `./dev stress` can
 * prolong, PAGODA_TEST_SEED the first of its seeds, 0 if unset.
 */
#ifndef TESTS_ROUNDS_H
#define TESTS_ROUNDS_H

#include <stdint.h>
#include <stdlib.h>

/* `usual` scaled, at least 1. */
static inline unsigned test_rounds(unsigned usual)
{
    const char *text = getenv("PAGODA_TEST_ROUNDS");
    unsigned long percent = text ? strtoul(text, NULL, 10) : 100;
    unsigned long long rounds = (unsigned long long)usual * (percent ? percent : 100) / 100;
    return rounds ? (unsigned)rounds : 1;
}

/* The number in an environment variable, or `usual` if that is unset. */
static inline uint64_t test_asked(const char *variable, uint64_t usual)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : usual;
}

/* Rounds of `steps` operations each: so many that they are those asked for, else `usual` scaled. */
static inline uint64_t test_long_rounds(unsigned usual, unsigned steps)
{
    uint64_t operations = test_asked("PAGODA_TEST_OPERATIONS", 0);
    return operations ? (operations + steps - 1) / steps : test_rounds(usual);
}

static inline uint64_t test_first_seed(void)
{
    return test_asked("PAGODA_TEST_SEED", 0);
}

#endif
