/* explain_say.h - how the files that put a story into words add lines: private to explain_*.c.
 *
 * A function that is named by a step's kind adds that step and the rows below it.
 */
#ifndef REPORT_EXPLAIN_SAY_H
#define REPORT_EXPLAIN_SAY_H

#include "report/explain_lines.h"

void __attribute__((format(printf, 3, 4)))
explain_row(struct explain_lines *l, const char *label, const char *fmt, ...);
void __attribute__((format(printf, 4, 5)))
explain_step(struct explain_lines *l, const struct vm_story_step *s, enum explain_mood mood,
             const char *fmt, ...);
/* A row, if that is more than one page. */
void explain_copies(struct explain_lines *l, uint64_t bytes);

/* Words into out[cap], which is returned. explain_page_of: of a page that a key of memory, not of a
 * TLB, names, whose space is always known. */
const char *explain_page_of(const struct vm_story *s, uint64_t key, char *out, size_t cap);
const char *explain_page_number(uint64_t vpn, char *out, size_t cap);
const char *explain_reference(uint64_t ref, char *out, size_t cap); /* "at 14" */
const char *explain_range(char *out, size_t cap, vm_va start, vm_va end);

/* ---- explain_pages.c: pages that come, leave and stay ---- */

void explain_fault(struct explain_lines *l, const struct vm_story_step *s);
void explain_wished(struct explain_lines *l, const struct vm_story_step *s);
void explain_ahead(struct explain_lines *l, const struct vm_story_step *s);
void explain_leaving(struct explain_lines *l, const struct vm_story_step *s);
void explain_cleaned(struct explain_lines *l, const struct vm_story_step *s);

#endif
