/* prefetch.h - functions that only ask for memory ahead of need. */
#ifndef BASE_PREFETCH_H
#define BASE_PREFETCH_H

/* What begins such a function. GCC thinks that it has no effect, and drops calls of it that it has
 * not inlined by then (gcc 12 at -O3). */
#define VM_PREFETCHER static inline __attribute__((always_inline))

#endif
