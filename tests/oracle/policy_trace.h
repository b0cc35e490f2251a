/* policy_trace.h - the trace of 200,000 references to 5,000 pages in tests/golden/data. */
#ifndef ORACLE_POLICY_TRACE_H
#define ORACLE_POLICY_TRACE_H

#include <pagoda/policy.h>

#define POLICY_TRACE_REFS  200000
#define POLICY_TRACE_PAGES 5000

/* Fill ref[POLICY_TRACE_REFS]; all of them read. Asserts that the file is there and whole. */
void policy_trace_read(vm_pageref *ref);

#endif
