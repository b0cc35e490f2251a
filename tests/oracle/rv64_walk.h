/* rv64_walk.h - random RISC-V programs that go through all that a program does: straight code,
 * loops, branches, calls, code that writes code, memory that comes and goes, processes.
 *
 * The idea: what a program does depends on its seed alone. It sets every register itself, keeps to
 * addresses of its own, hands no answer of the system on that could differ (a process number, say),
 * and waits for each child before it goes on. So every executor must write the same bytes and
 * execute as many instructions: the memory of the image and all registers at the end, and of each
 * child a part of it.
 *
 * Each ends: loops count, and a function calls only those that were made before it; how many
 * instructions it executes was added up as it was made.
 */
#ifndef ORACLE_RV64_WALK_H
#define ORACLE_RV64_WALK_H

#include "oracle/rv64_program.h"

/* To be freed by free(). */
struct rv64_program *rv64_walk_make(uint64_t seed);

#endif
