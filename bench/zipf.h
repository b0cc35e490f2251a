/* zipf.h - the page references that several groups of rows read.
 *
 * 20 million references, one in four a write, to a million pages by Zipf's law with exponent 1, the
 * ranks scattered over the page numbers. The same in every run.
 */
#ifndef BENCH_ZIPF_H
#define BENCH_ZIPF_H

#include <pagoda/policy.h>

#define ZIPF_REFS  (20u * 1000 * 1000)
#define ZIPF_PAGES (1000u * 1000)

/* Fill ref[ZIPF_REFS]; false: no memory. */
bool bench_zipf(vm_pageref *ref);

#endif
