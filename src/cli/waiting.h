/* waiting.h - what commands that look at another process again and again share: they wait for time,
 * for its end, or for an interrupt.
 */
#ifndef CLI_WAITING_H
#define CLI_WAITING_H

#include <pagoda/error.h>
#include <stdbool.h>
#include <stdint.h>

struct waiting {
    int process, interrupt;
};

/* An interrupt ends waiting from now on, not this process. */
void waiting_begin(struct waiting *w, int pid);
/* Whether all of the time passed. */
bool waiting_pass(const struct waiting *w, uint64_t ns);
void waiting_end(struct waiting *w);

/* "4711". Errors: VM_EUSAGE. */
bool parse_pid(const char *text, int *pid, struct vm_error *e);
/* The value of --interval or `fallback`: a millisecond at least. Errors: VM_EUSAGE. */
bool parse_interval(const char *text, const char *fallback, uint64_t *ns, struct vm_error *e);

#endif
