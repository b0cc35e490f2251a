/* price.h - what a run cost: prices times counts, apart from the mechanism that counted. */
#ifndef ENGINE_PRICE_H
#define ENGINE_PRICE_H

#include <pagoda/engine.h>

/* Fill `out` from the counts and the device's times. The effective access time is the textbook's:
 * everything that happened, divided by the references (Silberschatz, Operating System Concepts,
 * 10.2.3; 9.3.2 with TLBs). */
void vm_price(const struct vm_result *r, uint64_t read_ns, uint64_t write_ns,
              struct vm_prices *out);

#endif
