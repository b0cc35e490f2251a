/* naive_requests.h - what a trace's requests amount to, by a list of the blocks that there were. */
#ifndef ORACLE_NAIVE_REQUESTS_H
#define ORACLE_NAIVE_REQUESTS_H

#include <pagoda/requests.h>

enum { NAIVE_BLOCKS = 4096 };

struct naive_block {
    vm_va va;
    uint64_t bytes;
    bool live;
};

struct naive_requests {
    struct naive_block block[NAIVE_BLOCKS]; /* every block since the last reset, the newest last */
    size_t n;
    uint64_t number; /* of requests, and resets after the first */
    uint64_t takes, gives, changes, resets, refused, zeros;
    uint64_t asked_peak, peak_number, asked_all;
    uint64_t faults[VM_REQUEST_FAULTS];
    int last_fault; /* of the request told last: its kind, or -1 */
};

void naive_requests_event(struct naive_requests *s, const struct vm_event *v);
/* Bytes that live blocks were asked for. */
uint64_t naive_requests_asked(const struct naive_requests *s);
uint64_t naive_requests_live(const struct naive_requests *s);

#endif
