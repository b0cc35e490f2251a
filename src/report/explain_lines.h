/* explain_lines.h - a story in words: what the text and the HTML page both show, line by line.
 *
 * Here is what is said; how a line looks is the business of who shows it. Lines point into the
 * story for the bits that they show.
 */
#ifndef REPORT_EXPLAIN_LINES_H
#define REPORT_EXPLAIN_LINES_H

#include <pagoda/report.h>
#include <pagoda/story.h>

enum explain_kind {
    EXPLAIN_STEP,  /* begins a step: `text`, and what it cost */
    EXPLAIN_PART,  /* begins a part that is no step: `text` */
    EXPLAIN_ROW,   /* `label` and `text` */
    EXPLAIN_BITS,  /* `label`, `text`, and `value` cut into the fields */
    EXPLAIN_FRAME, /* a frame of a memory or of a choice: frame, and `text` beside it */
    EXPLAIN_PRICE, /* `label` cost `ns` */
};

/* What a line is like, where that deserves to stand out. */
enum explain_mood { EXPLAIN_PLAIN, EXPLAIN_GOOD, EXPLAIN_BAD };

struct explain_line {
    enum explain_kind kind;
    enum explain_mood mood;
    char label[24];
    char text[232];
    double ns;             /* STEP, PRICE */
    uint64_t value;        /* BITS */
    unsigned bits;         /* BITS: of value that are worth showing */
    struct vm_slice field; /* BITS: of the story's fields */
    const struct vm_story_frame *frame;
};

struct explain_lines {
    const struct vm_story *story;
    struct explain_line *line;
    size_t n, cap;
    bool failed; /* the host had no memory: lines are missing */
};

/* The story's lines; points into it. */
void explain_lines_make(struct explain_lines *l, const struct vm_story *s);
void explain_lines_free(struct explain_lines *l);

/* "Reference 12: write of 8 bytes at 0x75 (117), space 0". */
const char *explain_title(const struct vm_story *s, char *out, size_t cap);
/* "12" or "0x7f3d8": a page's number as the explanations write it; " of space 2" where that is not
 * the story's. */
const char *explain_page(const struct vm_story *s, uint64_t key, char *out, size_t cap);
/* "read", "write", "fetch". */
extern const char *const explain_access_names[VM_ACCESSES];
/* What the choices of a story's policy turn on, and what happened in a step, for programs. */
const char *explain_reason_name(enum vm_reason reason);
const char *explain_fault_name(enum vm_fault_kind kind);
/* What the kernel did to resolve it, as a sentence. */
const char *explain_fault_sentence(const struct vm_story_step *s);
/* "swap slot 7" or, 0, "its file". */
#define EXPLAIN_HOME 24
const char *explain_home(vm_slot slot, char out[EXPLAIN_HOME]);
const char *explain_walk_name(enum vm_walk_fault fault);
const char *explain_readahead_name(enum vm_readahead_why why);
/* "came at 4" or "read ahead at 4"; "last touched at 9, 3 touches": the page in a frame. */
const char *explain_came(const struct vm_story_frame *f, char *out, size_t cap);
const char *explain_touched(const struct vm_story_frame *f, char *out, size_t cap);

#endif
