/* guest_run.h - one guest, run in this very process: what it wrote, and what the machine counted.
 *
 * Guests are the programs of guests/ and tests/guests/, where a cross compiler has built them into
 * the folder that $PAGODA_GUESTS names. Standard output and error of the guest go to a file.
 */
#ifndef ORACLE_GUEST_RUN_H
#define ORACLE_GUEST_RUN_H

#include <pagoda/kernel.h>

struct guest_run {
    bool good; /* else error says why not */
    struct vm_error error;
    struct vm_run_result result;
    char *output;        /* with "status N" in a line of its own at the end */
    size_t output_bytes; /* that the guest wrote, without that line */
};

/* Whether there are guests to run. */
bool guests_are_here(void);
/* Run the guest `words[0]`, or the program at that absolute path, with its arguments (NULL at the
 * end), from an empty folder that it may write to. `settings` are pairs of a flag of `pagoda run` without its dashes and a value, with
 * blanks between. To be freed by guest_run_free. */
void guest_run(const char *settings, const char *const *words, struct guest_run *out);
void guest_run_free(struct guest_run *r);
/* The file's text; NULL: there is none. To be freed. */
char *guest_text(const char *folder, const char *name);

#endif
