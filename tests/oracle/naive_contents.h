/* naive_contents.h - what the pages of a few programs contain, and the files that they map.
 *
 * A page is its process's own once it was written privately; before that it is zeros, or what its
 * file has at the page that the mapping says. A shared page is the file's. A fork gives the child
 * what the parent sees. No frames, slots, tables, policies: what a program reads does not depend on
 * them.
 *
 * Of a page only a few bytes are ever written, its cells; the others are 0.
 */
#ifndef ORACLE_NAIVE_CONTENTS_H
#define ORACLE_NAIVE_CONTENTS_H

#include <pagoda/space.h>
#include <pagoda/trace.h>
#include <pagoda/types.h>

#define CONTENTS_SPACES     4 /* the last is the kernel's: windows on the files */
#define CONTENTS_WINDOWS    (CONTENTS_SPACES - 1)
#define CONTENTS_PAGES      40
#define CONTENTS_FILES      3 /* numbers 1 to 3 */
#define CONTENTS_FILE_PAGES 12
#define CONTENTS_CELLS      8

struct contents_cells {
    uint8_t byte[CONTENTS_CELLS];
};

struct naive_mapping {
    bool mapped, shared;
    bool own; /* written privately, or of no file: `cells` is what it contains */
    uint8_t prot;
    bool locked, here; /* to stay in memory; it was accessed since */
    bool not_forked, wiped;
    unsigned file, file_page; /* 0: none; its page, from 0 on */
    struct contents_cells cells;
};

struct naive_contents {
    uint64_t page_bytes;
    vm_va first;                             /* page i begins at first + i * page_bytes */
    uint64_t file_first[CONTENTS_FILES + 1]; /* page 0 of a file: its number to the machine */
    uint8_t with_read;                       /* rights that reading brings */
    struct naive_mapping page[CONTENTS_SPACES][CONTENTS_PAGES];
    struct contents_cells file[CONTENTS_FILES + 1][CONTENTS_FILE_PAGES];
};

void naive_contents_event(struct naive_contents *s, const struct vm_event *v);
/* What the page contains, for an access, which may make it the process's own; NULL: not allowed. */
struct contents_cells *naive_contents_access(struct naive_contents *s, vm_asid asid, unsigned page,
                                             enum vm_access access);
/* The first n pages from `from` on, which are alike, are at `to` instead; or there too, empty. */
void naive_contents_move(struct naive_contents *s, vm_asid asid, unsigned from, unsigned n,
                         unsigned to, enum vm_move leaves);
/* Somebody maps a page of the file. */
bool naive_contents_is_mapped(const struct naive_contents *s, unsigned file);
/* Where cell `i` of a page lies in it: the first at its first byte, the last at its last. */
uint64_t naive_contents_cell(const struct naive_contents *s, unsigned i);

#endif
