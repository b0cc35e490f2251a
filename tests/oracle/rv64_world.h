/* rv64_world.h - a small memory for harts under test, and a log that keeps everything.
 *
 * One range of pages, each with rights of its own; outside is nothing. The fast hart sees it
 * through a view whose translations the world takes back at random; the naive one sees it byte by
 * byte.
 *
 * Of a fetch the fast hart asks before it knows how far the group goes, so that refill notes a
 * fetch of 0 bytes: rv64_world_same_logs reads it as "a group that begins here".
 */
#ifndef ORACLE_RV64_WORLD_H
#define ORACLE_RV64_WORLD_H

#include "base/random.h"
#include "oracle/rv64_naive.h"

#define RV64_WORLD_PAGE  4096
#define RV64_WORLD_PAGES 64

struct rv64_references {
    vm_va *va;
    uint16_t *meta;
    size_t n, room;
};

struct rv64_world {
    vm_va base;
    unsigned npages;
    uint8_t *bytes;                    /* [npages * RV64_WORLD_PAGE] */
    unsigned rights[RV64_WORLD_PAGES]; /* enum vm_prot */
    unsigned forget_one_in;            /* at refill and drain a page goes; 0: none ever */
    struct vm_random random;           /* for what must not change the outcome */
    struct vm_rv64_view *view;         /* NULL: of a naive hart */
    struct vm_rv64_log log;
    struct rv64_references seen;
    uint64_t refills, drains;
};

/* Pages of all rights, zeroed. log_room: entries of the log, 0: none. */
void rv64_world_open(struct rv64_world *w, vm_va base, unsigned npages, uint32_t log_room);
void rv64_world_close(struct rv64_world *w);
struct vm_rv64_bus rv64_world_bus(struct rv64_world *w); /* of the fast hart */
struct naive_rv64_bus rv64_world_naive_bus(struct rv64_world *w);
bool rv64_world_has(const struct rv64_world *w, vm_va va);
uint8_t *rv64_world_byte(struct rv64_world *w, vm_va va); /* whatever its rights */
void rv64_world_put(struct rv64_world *w, vm_va va, const void *from, size_t bytes);
void rv64_world_allow(struct rv64_world *w, vm_va va, unsigned rights);
void rv64_world_forbid(struct rv64_world *w, vm_va va, unsigned rights); /* the view forgets */
void rv64_world_drain(struct rv64_world *w);
/* Did both harts make the same references? The naive one notes each instruction's fetch. */
bool rv64_world_same_logs(const struct rv64_world *fast, const struct rv64_world *naive);

#endif
