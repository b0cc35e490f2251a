/* report.h - results as text for people and as JSON for programs.
 *
 * Text is aligned, with units and ratios; it may change. JSON is stable: docs/formats/json.md
 * documents every member, and "schema" is raised when one changes its meaning.
 */
#ifndef PAGODA_REPORT_H
#define PAGODA_REPORT_H

#include <pagoda/analysis.h>
#include <pagoda/as_live.h>
#include <pagoda/chart.h>
#include <pagoda/compare.h>
#include <pagoda/curve.h>
#include <pagoda/engine.h>
#include <pagoda/experiment.h>
#include <pagoda/kernel.h>
#include <pagoda/live_proposal.h>
#include <pagoda/live_view.h>
#include <pagoda/locality.h>
#include <pagoda/multiprogram.h>
#include <pagoda/requests.h>
#include <pagoda/story.h>
#include <pagoda/tables.h>
#include <pagoda/thrash.h>
#include <pagoda/watch.h>
#include <stdio.h>

#define VM_JSON_SCHEMA 1

/* Colours for a terminal, or none. */
enum vm_colour { VM_COLOUR_NONE, VM_COLOUR_ANSI };

void vm_report_replay_text(FILE *out, const struct vm_result *r, enum vm_colour colour);
/* Errors: VM_ESYSTEM (no memory, cannot write). */
bool vm_report_replay_json(FILE *out, const struct vm_result *r, struct vm_error *e);

void vm_report_as_live_text(FILE *out, const struct vm_as_live *a, enum vm_colour colour);
bool vm_report_as_live_json(FILE *out, const struct vm_as_live *a, struct vm_error *e);

void vm_report_live_proposal_text(FILE *out, const struct vm_live_proposal *a,
                                  enum vm_colour colour);
bool vm_report_live_proposal_json(FILE *out, const struct vm_live_proposal *a, struct vm_error *e);

void vm_report_tables_text(FILE *out, const struct vm_table_costs *t, enum vm_colour colour);
bool vm_report_tables_json(FILE *out, const struct vm_table_costs *t, struct vm_error *e);

/* Charts with all that they point to. */
#define VM_CHARTS_MAX 16
struct vm_charts {
    size_t n;
    struct vm_chart chart[VM_CHARTS_MAX];
    struct vm_charts_room {
        struct vm_charts_room *next;
        _Alignas(16) unsigned char bytes[];
    } * room;    /* what they point to */
    bool failed; /* there was no memory for some of it */
};
void vm_charts_free(struct vm_charts *c); /* a zeroed struct is fine */

void vm_report_compare_text(FILE *out, const struct vm_comparison *c, enum vm_colour colour);
bool vm_report_compare_json(FILE *out, const struct vm_comparison *c, struct vm_error *e);
/* Miss ratio and time against memory, a series a policy. */
bool vm_report_compare_charts(const struct vm_comparison *c, struct vm_charts *out,
                              struct vm_error *e);

void vm_report_curve_text(FILE *out, const struct vm_curves *s, enum vm_colour colour);
/* Which points of each curve: those of the sizes shown, or every one at which misses fall. */
enum vm_curve_points { VM_CURVE_POINTS_SHOWN, VM_CURVE_POINTS_ALL };
bool vm_report_curve_json(FILE *out, const struct vm_curves *s, enum vm_curve_points which,
                          struct vm_error *e);
bool vm_report_curve_charts(const struct vm_curves *s, struct vm_charts *out, struct vm_error *e);

/* What to show of a program's locality. */
#define VM_WINDOWS_MAX 512
struct vm_locality_view {
    /* Intervals in bins from a power of two to the next, or each number by itself. */
    enum vm_bins { VM_BINS_LOG2, VM_BINS_EXACT } bins;
    size_t nwindows;
    uint64_t window[VM_WINDOWS_MAX]; /* [nwindows] ascending; none: some, up to the whole trace */
};
void vm_report_locality_text(FILE *out, const struct vm_locality *l,
                             const struct vm_locality_view *view, enum vm_colour colour);
bool vm_report_locality_json(FILE *out, const struct vm_locality *l,
                             const struct vm_locality_view *view, struct vm_error *e);
bool vm_report_locality_charts(const struct vm_locality *l, const struct vm_locality_view *view,
                               struct vm_charts *out, struct vm_error *e);

/* The machine and what was asked of it are told too. */
void vm_report_thrash_text(FILE *out, const struct vm_thrash *t, enum vm_colour colour);
bool vm_report_thrash_json(FILE *out, const struct vm_thrash *t, const struct vm_thrash_request *r,
                           struct vm_error *e);

/* Programs that ran under the kernel, and the machine beneath. */
void vm_report_run_text(FILE *out, const struct vm_run_result *r, enum vm_colour colour);
bool vm_report_run_json(FILE *out, const struct vm_run_result *r, struct vm_error *e);

/* Runs of the same jobs under several schedulers. */
struct vm_schedules {
    const struct vm_jobs_request *request; /* of them all, but the scheduler */
    size_t nresults;
    const struct vm_jobs_result *result; /* [nresults] */
};
/* With charts on so many columns at most. */
void vm_report_sched_text(FILE *out, const struct vm_schedules *s, unsigned columns,
                          enum vm_colour colour);
/* Each event of runs that recorded them, a line each. */
void vm_report_sched_events(FILE *out, const struct vm_schedules *s, enum vm_colour colour);
bool vm_report_sched_json(FILE *out, const struct vm_schedules *s, struct vm_error *e);
/* A Gantt chart for each of the first VM_CHARTS_MAX. */
bool vm_report_sched_charts(const struct vm_schedules *s, struct vm_charts *out,
                            struct vm_error *e);

/* Runs of the same jobs in memories that are shared in different ways. */
struct vm_residence {
    const struct vm_multiprogram_request *request; /* [nresults] */
    size_t nresults;
    const struct vm_multiprogram_result *result; /* [nresults] */
    uint64_t at; /* the time whose areas are listed; VM_TIME_NEVER: none */
};
/* With maps on so many columns at most. Errors: VM_ESYSTEM. */
bool vm_report_partitions_text(FILE *out, const struct vm_residence *s, unsigned columns,
                               enum vm_colour colour, struct vm_error *e);
bool vm_report_partitions_json(FILE *out, const struct vm_residence *s, struct vm_error *e);

/* A trace's requests through several heaps. */
struct vm_heaps {
    struct vm_trace_info trace;
    const struct vm_requests *requests;
    uint64_t limit; /* bytes a heap may grow to; 0: nobody said */
    size_t nresults;
    const struct vm_heap_result *result; /* [nresults] */
    const double *ns;                    /* [nresults] a request, measured; NULL: not measured */
    size_t nmeasured;
    const struct vm_heap_measured *measured; /* [nmeasured]: allocators of the host */
};
void vm_report_heap_text(FILE *out, const struct vm_heaps *h, enum vm_colour colour);
/* One line of a request: number, thread, what it asked and from where. */
void vm_report_request(FILE *out, const struct vm_trace_info *t, uint64_t number,
                       const struct vm_event *event);
bool vm_report_heap_json(FILE *out, const struct vm_heaps *h, struct vm_error *e);
/* What is asked for and held over the requests, and a map of each heap that has one. */
bool vm_report_heap_charts(const struct vm_heaps *h, struct vm_charts *out, struct vm_error *e);
/* The maps alone. */
bool vm_report_heap_maps(const struct vm_heaps *h, struct vm_charts *out, struct vm_error *e);

/* A process that was watched for a while. */
struct vm_watching {
    struct vm_watch_info info;
    uint64_t interval_ns;
    bool grows;   /* one mark, and windows of twice the length each */
    bool is_over; /* the process ended meanwhile */
    size_t nsamples;
    const struct vm_watch_sample *sample; /* [nsamples] */
};
/* As it goes on: a line above, a row a sample; by kinds of mappings or not. */
enum vm_watch_detail { VM_WATCH_WHOLE, VM_WATCH_BY_KIND };
void vm_report_watch_head(FILE *out, const struct vm_watch_info *info, enum vm_watch_detail detail,
                          enum vm_colour colour);
void vm_report_watch_row(FILE *out, const struct vm_watch_sample *s, enum vm_watch_detail detail);
/* What it used, and what watching did to it. */
void vm_report_watch_end(FILE *out, const struct vm_watching *w, enum vm_colour colour);
bool vm_report_watch_json(FILE *out, const struct vm_watching *w, struct vm_error *e);
/* Resident and touched memory over time; or touched against the length of the window. */
bool vm_report_watch_charts(const struct vm_watching *w, struct vm_charts *out, struct vm_error *e);

/* What pagers did in an interval (vm_live_between): a row, or an object in a line, a pager. */
void vm_report_top_head(FILE *out, enum vm_colour colour);
void vm_report_top_row(FILE *out, const struct vm_live_told *during);
bool vm_report_top_json(FILE *out, const struct vm_live_told *during, struct vm_error *e);

/* References of one run, told: all three reports show the same stories. */
struct vm_explanation {
    struct vm_trace_info trace;
    size_t nstories;
    const struct vm_story *const *story;
};
/* Errors: VM_ESYSTEM (no memory, cannot write). */
bool vm_report_explain_text(FILE *out, const struct vm_explanation *x, enum vm_colour colour,
                            struct vm_error *e);
bool vm_report_explain_json(FILE *out, const struct vm_explanation *x, struct vm_error *e);
/* One file that needs no other. */
bool vm_report_explain_html(FILE *out, const struct vm_explanation *x, struct vm_error *e);
/* One story as text. */
bool vm_report_story_text(FILE *out, const struct vm_story *s, enum vm_colour colour,
                          struct vm_error *e);

void vm_report_profile_text(FILE *out, const struct vm_profile *p, const struct vm_trace_info *t,
                            enum vm_colour colour);
bool vm_report_profile_json(FILE *out, const struct vm_profile *p, const struct vm_trace_info *t,
                            struct vm_error *e);

/* ---- charts ---- */

/* As characters, `columns` wide, with axes, ticks and a key. */
bool vm_report_chart_text(FILE *out, const struct vm_chart *c, unsigned columns,
                          enum vm_colour colour, struct vm_error *e);
/* Its data: one row a point (series, x, y), or a cell that is not empty (x, y, value). */
bool vm_report_chart_csv(FILE *out, const struct vm_chart *c, struct vm_error *e);
/* Drawn by gnuplot, which must be installed. Errors: VM_ESYSTEM (it is not there, or failed). */
bool vm_report_chart_svg(FILE *out, const struct vm_chart *c, struct vm_error *e);
bool vm_report_chart_png(FILE *out, const struct vm_chart *c, struct vm_error *e);
/* All of them in one HTML file that needs no other. Errors: VM_ESYSTEM. */
bool vm_report_charts_html(FILE *out, const char *title, const struct vm_chart *c, size_t n,
                           struct vm_error *e);

bool vm_report_experiment_json(FILE *out, const struct vm_experiment_ops *x,
                               const struct vm_experiment_request *r, const struct vm_figures *f,
                               struct vm_error *e);

/* What a pager did for a program that `pagoda live` started; `status` is waitpid's. */
struct live_launch;
void vm_report_live_text(FILE *out, const struct live_launch *l, int status, enum vm_colour colour);
bool vm_report_live_json(FILE *out, const struct live_launch *l, int status, struct vm_error *e);

#endif
