/* replay.h - a replay on its way: what one that runs through (replay.c) and one that stops where it
 * is asked to (run.c) share: opening the trace, the pass ahead of opt, the machine.
 */
#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H

#include "base/spool.h"
#include "policy/future.h"

#include <pagoda/engine.h>

#define REPLAY_REPORT_REFS (UINT64_C(1) << 20) /* references between two reports of progress */

/* The first line is the caller's; the rest zeroed. */
struct replay {
    const struct vm_config *config;
    const struct vm_source *source;
    const struct vm_progress *progress;
    struct vm_result *out;

    const struct vm_policy_ops *policy;
    struct vm_trace *trace;
    struct vm_spool *touches; /* NULL where no look ahead was needed */
    struct vm_future_reader future;
};

/* Who takes the batches of a pass. */
struct replay_consumer {
    void *host;
    bool (*batch)(void *host, const struct vm_batch *b, struct vm_error *e);
};

/* Open the trace and, for a policy that needs it, look through it first. Errors: as of the parts.
 */
bool vm_replay_begin(struct replay *r, struct vm_error *e);
/* *out: the machine with memory without end, for passes before the real one: as many frames as the
 * scheme has numbers for, within reason, and nothing that depends on how full memory is. Errors: of
 * the host. */
bool vm_replay_endless(const struct vm_config *c, struct vm_config *out, struct vm_error *e);
/* Every batch of the open trace, to its end; `what` labels the progress. Errors: the consumer's and
 * VM_EINPUT. */
bool vm_replay_read(struct replay *r, const char *what, struct replay_consumer c,
                    struct vm_error *e);
/* Whether the trace can be read more than once, as `who` does. Errors: VM_EUSAGE: standard input,
 * or a trace that lies open and is a pipe. */
bool vm_replay_may_reread(const struct replay *r, const char *who, struct vm_error *e);
/* The trace from its beginning again. Errors: VM_EUSAGE: a pipe, which cannot be. */
bool vm_replay_again(struct replay *r, struct vm_error *e);
/* The machine, for the trace as it lies open. */
struct vm_engine *vm_replay_machine(struct replay *r, struct vm_error *e);
/* Whether the future that was read was of this trace. Errors: vm_future_sound's. */
bool vm_replay_sound(const struct replay *r, struct vm_error *e);
void vm_replay_report(const struct replay *r, const char *what, uint64_t refs);
void vm_replay_end(struct replay *r); /* a zeroed struct is fine */

#endif
