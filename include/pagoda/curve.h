/* curve.h - miss-ratio curves: the misses of a trace at every size of memory, or of a TLB.
 *
 * Misses are those of the pages model (a policy over touches of pages; engine.h): a first touch is
 * one at any size. Three ways to a curve:
 *
 *  - exact, at all sizes from one pass, for stack algorithms: lru (Mattson et al., IBM Systems
 *    Journal 9(2) 1970) and opt, which needs no look ahead for that;
 *  - swept, for any other policy: a replay for each of some sizes, on all processors, all of them
 *    fed by the one pass;
 *  - sampled, lru's at all sizes from a hundredth of the pages: SHARDS (Waldspurger et al., FAST
 *    2015), of a fixed rate or a fixed number of pages, with its correction of counts, and with one
 *    of sizes.
 *
 * Several page sizes give a curve each from the same pass.
 */
#ifndef PAGODA_CURVE_H
#define PAGODA_CURVE_H

#include <pagoda/engine.h>
#include <pagoda/footprint.h>

enum vm_curve_way { VM_CURVE_EXACT, VM_CURVE_SWEPT, VM_CURVE_SAMPLED };

/* With `frames` frames, and with more up to the next point, the touches that miss. */
struct vm_curve_point {
    uint64_t frames, misses;
};

/* Invariants: frames rise; point[0] has 0 frames, with which every touch misses; misses of a curve
 * that is exact or sampled fall. Between the points of a swept curve nothing is known. */
struct vm_curve {
    enum vm_curve_way way;
    char policy[VM_CONFIG_TEXT];
    uint64_t page_bytes;
    uint64_t touches, pages; /* pages: distinct; of a sampled curve estimated */
    size_t npoints;
    struct vm_curve_point *point; /* [npoints] */

    /* Of a sampled curve. */
    double rate;                  /* of the pages that were looked at, at the end */
    uint64_t pages_sampled;       /* at the end */
    double error_mean, error_max; /* of the miss ratio, over all sizes up to the footprint; NAN: the
                                     exact curve is not there */
};

/* At the last point of at most so many frames. */
uint64_t vm_curve_misses(const struct vm_curve *c, uint64_t frames);
double vm_curve_ratio(const struct vm_curve *c, uint64_t frames);

enum vm_curve_axis { VM_CURVE_BYTES, VM_CURVE_FRAMES };
enum vm_curve_of { VM_CURVE_OF_MEMORY, VM_CURVE_OF_TLB };

#define VM_CURVE_PAGES    8   /* page sizes at most */
#define VM_CURVE_POLICIES 64  /* policies at most */
#define VM_CURVES_MAX     64  /* policies times page sizes at most */
#define VM_CURVE_SIZES    256 /* sizes to show at most */

struct vm_curves {
    struct vm_trace_info trace; /* its name belongs to the caller of vm_curve_measure */
    char trace_format[32];
    enum vm_curve_of of;
    uint64_t refs;
    size_t ncurves;
    struct vm_curve
        *curve; /* [ncurves] by page size, then policy; a sampled one before the exact */
    enum vm_curve_axis axis;
    size_t nsizes;
    uint64_t size[VM_CURVE_SIZES]; /* that are worth a row of a table, rising, in the axis's unit */
};

/* The frames of a curve's pages that a size is: rounded down, and so perhaps none. */
uint64_t vm_curve_frames(const struct vm_curves *s, const struct vm_curve *c, size_t size);

struct vm_curve_request {
    enum vm_curve_of of;
    const char *policies; /* "lru,opt,clock:load=referenced"; sampling is for lru alone */
    const char *sizes;    /* "64KiB,10%": to sweep and to show; NULL: powers of two, knees */
    const char *frames;   /* the same in frames: "16,1k,10%"; NULL: see sizes. Not both */
    size_t npages;
    uint64_t page_bytes[VM_CURVE_PAGES]; /* [npages] */
    double sample_rate;                  /* above 0 to 1; 0: no sample of fixed rate */
    uint64_t sample_pages;               /* 0: no sample of fixed size. Not both */
    bool error;                          /* of a sampled curve: the exact one, too */
    unsigned workers; /* threads that sweep; 0: as many as there are processors */
    uint64_t seed;    /* of random policies */
    struct vm_source source;
    const struct vm_progress *progress; /* or NULL */
};

/* One pass over the trace. Errors: VM_EUSAGE (a name, a size, a rate, a policy that reads the
 * future and is not opt), VM_EMACHINE (a page size, a memory of no frame), VM_ESYSTEM, and what is
 * wrong with the trace. */
bool vm_curve_measure(const struct vm_curve_request *r, struct vm_curves *out, struct vm_error *e);
void vm_curves_free(struct vm_curves *s); /* a zeroed struct is fine */

#endif
