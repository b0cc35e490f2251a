/* price.h - what a run cost: prices times counts, apart from the mechanism that counted. */
#ifndef ENGINE_PRICE_H
#define ENGINE_PRICE_H

#include <pagoda/engine.h>

/* What the processor does, in its parts: waits are 0, and so are sums and cases. */
void vm_price_parts(const struct vm_result *r, struct vm_prices *out);
/* All of them together. */
double vm_price_cpu(const struct vm_result *r);

/* Fill `out` from the counts and the waits. The effective access time is the textbook's:
 * everything that happened, divided by the references (Silberschatz, Operating System Concepts,
 * 10.2.3; 9.3.2 with TLBs). */
void vm_price(const struct vm_result *r, const uint64_t waits_ns[VM_WAITS], struct vm_prices *out);

#endif
