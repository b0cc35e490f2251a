/* layout.h - the loader: where a trace's addresses come to lie in a machine's address space.
 *
 * Traces of today have addresses of 38 to 48 bits; machines with base registers or flat tables have
 * 10 to 32. A layout moves blocks of addresses (of 2^shift bytes, at least a page) to other blocks,
 * so that a program runs on such a machine as if it had been linked for it: each block of the
 * trace gets one of the machine's when it is first mapped or touched, the offset in a block stays.
 *
 *      trace    ... | B | B+1 | ......... | S | ...        block B follows B - 1 where it can,
 *                     |    |                |              and comes before B + 1 where it can;
 *      machine  | b | b+1 | ............. | s |            else it begins a new run
 *
 * Where there are segments for code, heap and stack, a block goes to one of them: what is mapped
 * for fetching, or is fetched when first touched, is code; what is near the top of its space is
 * stack; the rest is heap.
 *
 * What stays where it is: with `auto`, what the scheme can name and nothing else has taken; but of
 * segments nothing, where a gap would take memory.
 *
 * Invariants
 *  1. No two blocks of one address space lie in the same place: inside a block and across blocks,
 *     equal addresses stay equal and different ones different.
 *  2. What is where depends only on the order of events and references, never on memory or TLBs,
 *     nor on batches.
 *  3. A block is given up when no mapping is left in it, so that a program that maps and unmaps at
 *     ever new addresses does not use its space up.
 */
#ifndef ENGINE_LAYOUT_H
#define ENGINE_LAYOUT_H

#include <pagoda/engine.h>

struct vm_layout;

/* A layout for the opened scheme, or *out NULL: addresses stay as they are. `va_bits` as the scheme
 * says. Errors: VM_ESYSTEM. */
bool vm_layout_open(struct vm_layout **out, enum vm_layout_option option,
                    const struct vm_scheme_ops *scheme, const void *scheme_state, unsigned va_bits,
                    unsigned page_shift, struct vm_error *e);
void vm_layout_close(struct vm_layout *l); /* NULL is fine */

/* Translate references from the front of the columns into out[n]; *done: how many, fewer than n
 * if the next one reaches into blocks that do not lie one behind the other.
 * Errors: VM_EMACHINE: the address space is full; VM_ESYSTEM. */
bool vm_layout_refs(struct vm_layout *l, vm_asid asid, const vm_va *va, const uint16_t *meta,
                    uint32_t n, vm_va *out, uint32_t *done, struct vm_error *e);

/* The first part of such a reference: all of it up to a block that lies elsewhere. Answers its
 * bytes and where it lies. */
unsigned vm_layout_part(struct vm_layout *l, vm_asid asid, vm_va va, unsigned bytes, vm_va *out);

/* The next part of what is left of a map, unmap, protect or advise event, as the machine sees it.
 * *rest begins as the event and ends with no bytes; false: nothing (more) of it is laid out, or,
 * if *failed, an error (as above). */
bool vm_layout_event(struct vm_layout *l, struct vm_event *rest, struct vm_event *part,
                     bool *failed, struct vm_error *e);

/* After an unmap: give up the blocks of [va, va + bytes) that `space` maps nothing in. */
void vm_layout_unmapped(struct vm_layout *l, const struct vm_event *unmap,
                        const struct vm_space *space);
bool vm_layout_fork(struct vm_layout *l, vm_asid parent, vm_asid child, struct vm_error *e);
void vm_layout_forget(struct vm_layout *l, vm_asid asid); /* exec, exit */

void vm_layout_check(const struct vm_layout *l); /* asserts invariant 1 */

#endif
