/* thrash.h - several programs at once on one machine, and how many of them it can bear.
 *
 * A mix is a set of processes, each of which runs one trace in address spaces of its own. They
 * share the processor, the memory, its policy and the device:
 *
 *      waiting --admit--> ready --dispatch--> running --end--> done
 *         ^                 ^  ^                | |
 *         |                 |  +--- quantum ----+ |
 *         +--- suspend -----+--- transfer done ---+ blocked
 *
 * The processor takes the ready ones in turn, for a quantum of references each. One whose fault
 * waits for the device is blocked until its transfers are done; if all are, the processor is idle.
 * Time is the machine's (vm_engine_now). More processes keep the processor busier, until their
 * working sets do not fit in memory together: then all of them wait for pages that the others
 * took, and more processes do less. That is thrashing. Admission keeps some processes out, all
 * their pages swapped out, so that the others' fit.
 *
 * Sources: Denning, "Thrashing: its causes and prevention", AFIPS Fall Joint Computer Conference
 * 33, 1968; Denning, "The working set model for program behavior", CACM 11(5) 1968; Silberschatz,
 * Galvin & Gagne, Operating System Concepts, 10th ed., section 10.6.
 */
#ifndef PAGODA_THRASH_H
#define PAGODA_THRASH_H

#include <pagoda/chart.h>
#include <pagoda/device.h>
#include <pagoda/engine.h>

#define VM_PROCESSES_MAX 64

/* ---- detection (detector.c, detections.def) ---- */

/* One window of the machine's clock. */
struct vm_detection_view {
    uint64_t elapsed_ns;   /* its length; not 0 */
    uint64_t idle_ns;      /* the processor had nothing to do: everybody waited */
    uint64_t processor_ns; /* it worked, for programs or the kernel */
    uint64_t transfer_ns;  /* the least that the transfers begun in it could take the devices */
    uint64_t majors;       /* faults that read a page back */
};

/* A rule: a rate, which is too high above the mark `high` and is not any more below `low`. */
struct vm_detection_ops {
    const char *name;
    const char *summary;
    const char *unit;             /* of the rate */
    const struct vm_param *param; /* "high" and "low" are among them, and real */
    size_t nparams;
    double (*rate)(const struct vm_detection_view *v);
};

#define VM_DETECTION_USUAL     "device"
#define VM_DETECTION_WINDOW_NS (50 * UINT64_C(1000000))

/* The row of detections.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_detection_ops *vm_detection_find(const char *name, struct vm_error *e);
const struct vm_detection_ops *vm_detection_at(size_t i); /* NULL past the end */
bool vm_detection_list(size_t i, struct vm_listed *out);

/* What a rule says of a window. */
enum vm_rate_level { VM_RATE_BETWEEN, VM_RATE_HIGH, VM_RATE_LOW };

/* What it found in a run. A mix thrashes from the end of a window whose rate is high to that of one
 * whose rate is low, or to its own. */
struct vm_detected {
    uint64_t windows;   /* that were judged */
    uint64_t times;     /* that thrashing began */
    uint64_t first_ns;  /* when it did first */
    uint64_t lasted_ns; /* how long it lasted in all */
    double rate_peak;   /* the highest rate of a window */
};

/* ---- admission (admissions.c, admissions.def) ---- */

/* What an admission knows when it is asked; counts are since the mix began. */
struct vm_admission_view {
    size_t running, waiting; /* processes that are admitted, and that could be: none is done */
    uint64_t frames;         /* of memory, for pages */
    uint64_t demand;         /* pages in the working sets of those that run */
    uint64_t next;        /* in that of the one to be admitted next, when it ran last; 0: never */
    uint64_t refs;        /* done by all */
    uint64_t newest_refs; /* done by the one admitted last, since then */
    uint64_t windows;     /* that the detection has judged */
    enum vm_rate_level level; /* what it said of the last one */
};

enum vm_admit { VM_ADMIT_AS_IT_IS, VM_ADMIT_ONE, VM_ADMIT_ONE_LESS };

struct vm_admission_ops {
    const char *name;
    const char *summary;
    const struct vm_param *param;
    size_t nparams;
    size_t (*size)(void); /* at most VM_ADMISSION_BYTES */
    /* Errors: VM_EUSAGE: parameters that contradict each other. */
    bool (*init)(void *state, const struct vm_params *params, struct vm_error *e);
    /* References that a working set looks back on; 0: it asks for none. */
    uint64_t (*window)(const void *state);
    /* Whether one more is to run, or one less. Asked after each quantum, wait and end, and again
     * after each admission. The mix sees to it that one runs. */
    enum vm_admit (*decide)(void *state, const struct vm_admission_view *v);
};
#define VM_ADMISSION_BYTES 256

/* Who leaves when one is to: of those that run, the one that was admitted last; with the most major
 * faults in the detection's last window; that maps the fewest, or the most, pages. Of several the
 * one admitted last. Carr, Virtual Memory Management, UMI Research Press 1984, compares these
 * (Stallings, Operating Systems, section 8.2, lists them). */
enum vm_leaver { VM_LEAVER_NEWEST, VM_LEAVER_FAULTING, VM_LEAVER_SMALLEST, VM_LEAVER_LARGEST };
#define VM_LEAVERS 4
/* What comes back with one that was suspended, before it runs: nothing; its working set as it was
 * then (Silberschatz, section 10.9.1: prepaging). */
enum vm_prepage { VM_PREPAGE_NONE, VM_PREPAGE_WORKING_SET };
#define VM_PREPAGES 2
extern const char *const vm_leaver_names[VM_LEAVERS];
extern const char *const vm_prepage_names[VM_PREPAGES];

/* The row of admissions.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_admission_ops *vm_admission_find(const char *name, struct vm_error *e);
const struct vm_admission_ops *vm_admission_at(size_t i); /* NULL past the end */
bool vm_admission_list(size_t i, struct vm_listed *out);

/* What "name:parameters" means, into state[VM_ADMISSION_BYTES], aligned to 16. Errors: VM_EUSAGE.
 */
bool vm_admission_open(const char *spec, const struct vm_admission_ops **ops, void *state,
                       struct vm_error *e);

/* ---- one mix (mix.c) ---- */

struct vm_mix_request {
    const struct vm_config *machine; /* its memory and prices; the model machine */
    const struct vm_source *source;  /* [n] one process each; several may be the same */
    size_t n;                        /* 1 to VM_PROCESSES_MAX */
    uint64_t quantum;                /* references in turn; 0: any number */
    uint64_t quantum_ns; /* and as long, from the switch on: behind that no reference begins; 0: as
                            long as it takes */
    const char *admission; /* "none", "working-set:window=50k" */
    const char *detection; /* "fault-rate:high=20"; NULL: VM_DETECTION_USUAL */
    uint64_t window_ns;    /* of the detection; 0: VM_DETECTION_WINDOW_NS */
    enum vm_leaver leaver;
    enum vm_prepage prepage;
    size_t runs; /* how often this is run in all: a pipe can be read once; 0: once */
    const struct vm_progress *progress; /* or NULL */
};

struct vm_process_result {
    uint64_t refs, touches, tlb_misses;
    uint64_t faults, majors, writebacks;
    uint64_t dispatches; /* times that it got the processor */
    uint64_t waits;      /* times that it was blocked */
    uint64_t suspensions;
    uint64_t suspended_ns; /* it was suspended so long */
    uint64_t prepages;     /* pages that were brought back with it */
    uint64_t waits_ns[VM_WAITS];
    double program_ns, kernel_ns; /* of the processor, in its turns */
    uint64_t blocked_ns;          /* waited for the device */
    uint64_t admitted_ns;         /* when it first ran */
    uint64_t done_ns;             /* when it ended; all began at 0 */
    uint64_t working_set_peak;    /* pages; 0 where the admission asks for none */
};

struct vm_mix_result {
    size_t n;
    struct vm_process_result process[VM_PROCESSES_MAX];
    struct vm_counts counts;
    struct vm_queue_counts device[VM_SWAP_LEVELS];
    struct vm_time time; /* at the end */
    struct vm_detected detected;
    uint32_t nframes;
    uint64_t admitted_max; /* processes that ran at once */
};

/* Errors: as of vm_replay, with the trace's name; VM_EUSAGE: no or too many processes, a quantum of
 * 0, an admission's name, a detection's, a policy that looks ahead (the order of several traces
 * depends on the machine), the model pages. */
bool vm_mix_run(const struct vm_mix_request *r, struct vm_mix_result *out, struct vm_error *e);

/* Parts of 1: of the elapsed time in which the processor worked for programs; and worked at all. */
double vm_mix_useful(const struct vm_mix_result *r);
double vm_mix_busy(const struct vm_mix_result *r);
/* Major faults for each 1000 references; references for each second. */
double vm_mix_fault_rate(const struct vm_mix_result *r);
double vm_mix_throughput(const struct vm_mix_result *r);

/* ---- against the degree of multiprogramming (thrash.c) ---- */

/* One number of processes: all at once, and as the admission lets them. */
struct vm_thrash_point {
    size_t degree;
    struct vm_mix_result free, admitted;
};

struct vm_thrash_request {
    struct vm_mix_request mix;        /* of all processes; a smaller degree takes the first ones */
    size_t degree_first, degree_last; /* 1 to mix.n */
};

struct vm_thrash {
    char admission[VM_CONFIG_TEXT];
    bool limited; /* the admission is not `none`: the points have both runs */
    size_t npoints;
    struct vm_thrash_point *point; /* [npoints] by degree */
    size_t best;     /* the degree with the highest use of the processor, all at once */
    size_t thrashes; /* the first degree beyond at which that is less than half as high; 0: none */
    char detection[VM_CONFIG_TEXT];
    const char *detection_unit;
    uint64_t window_ns;
    size_t detected; /* the first degree at which thrashing is detected, all at once; 0: none */
};

/* The picture of it: the use of the processor, throughput and faults against the degree. */
#define VM_THRASH_CHARTS 3
struct vm_thrash_picture {
    struct vm_chart chart[VM_THRASH_CHARTS];      /* they point into the rest */
    struct vm_series series[VM_THRASH_CHARTS][2]; /* all at once; admitted */
    double degree[VM_PROCESSES_MAX], y[VM_THRASH_CHARTS][2][VM_PROCESSES_MAX];
};
/* Fills `out`, which must not move afterwards; it points to `t` too. */
void vm_thrash_draw(const struct vm_thrash *t, struct vm_thrash_picture *out);

/* Run every degree, with the admission and without. vm_thrash_free what it makes. Errors: as
 * vm_mix_run's; VM_EUSAGE: a trace that can be read only once. */
bool vm_thrash_run(const struct vm_thrash_request *r, struct vm_thrash *out, struct vm_error *e);
void vm_thrash_free(struct vm_thrash *t); /* a zeroed struct is fine */

#endif
