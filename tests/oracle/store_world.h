/* store_world.h - a store beside what it must hold: a list of handles, and for each the number that
 * its page was made from. Nothing is shared with any store.
 *
 * Pages are of kinds that stores tell apart: zeros, one word (also such as fits no handle), what
 * packs well, what packs little, and noise.
 */
#ifndef ORACLE_STORE_WORLD_H
#define ORACLE_STORE_WORLD_H

#include "base/random.h"
#include "live/store.h"

struct store_page {
    vm_stored handle;
    uint64_t seed;
    uint32_t holders;
};

struct store_world {
    const struct vm_store_ops *ops;
    void *store;
    struct vm_params params;
    uint32_t page_bytes;
    struct vm_random random;
    size_t npages, pages_max;
    struct store_page *page; /* [pages_max] */
    uint8_t *buffer;         /* [VM_STORE_BATCH * page_bytes + 4096] */
    bool is_alone;           /* nobody else uses the store */
    uint64_t refused;        /* pages that write did not keep */
};

/* The store that `spec` names, with room for pages_max pages. False with the error. */
bool store_world_open(struct store_world *w, const char *spec, uint32_t page_bytes,
                      size_t pages_max, uint64_t seed, struct vm_error *e);
/* The same of a store that has no name, without parameters. */
bool store_world_begin(struct store_world *w, const struct vm_store_ops *ops, uint32_t page_bytes,
                       size_t pages_max, uint64_t seed, struct vm_error *e);
void store_world_close(struct store_world *w); /* drops all */

/* The page that a number makes. */
void store_page_make(uint8_t *page, uint32_t page_bytes, uint64_t seed);
bool store_page_is(const uint8_t *page, uint32_t page_bytes, uint64_t seed);

/* Asserting steps. */
size_t store_world_write(struct store_world *w, size_t n, int *error); /* how many were kept */
void store_world_read(struct store_world *w, size_t n);                /* of any pages */
void store_world_read_all(struct store_world *w);
void store_world_drop(struct store_world *w, size_t i); /* one holder of page[i] */
void store_world_step(struct store_world *w);           /* any of these, hold, soon, flush */

#endif
