/* naive_machine.h - a whole machine, one touch at a time: lists of pages and of TLB entries.
 *
 * For traces of machine_trace.h with switches and protects only. Policies: lru, fifo and clock.
 */
#ifndef ORACLE_NAIVE_MACHINE_H
#define ORACLE_NAIVE_MACHINE_H

#include "oracle/machine_trace.h"

/* Fills what depends on touches: not table words, frames and slots. */
struct machine_outcome naive_machine_play(const struct vm_config *c, const struct machine_trace *t);

#endif
