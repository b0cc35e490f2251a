/* belady.c - fifo's anomaly: more frames, and yet more faults.
 *
 * The string of 1969 for 3 frames is a member of a family. For m frames, m >= 3, with pages from 1:
 *
 *     1 ... m+1 | 1 ... m-1 | m+2 | 1 ... m-1 | m  m+1  m+2
 *
 * With m frames fifo faults m + 1 times in the first part, m - 1 in the second, once in the third,
 * not in the fourth, and at m and m + 1: 2m + 3. With m + 1 frames the second part hits, but m + 2
 * then pushes out 1, which pushes out 2, and so on: every page from there on faults, 2m + 4 in all.
 * lru and opt hold with fewer frames a subset of what they hold with more, and cannot do so.
 *
 * Source: Belady, Nelson, Shedler, "An anomaly in space-time characteristics of certain programs
 * running in a paging machine", CACM 12(6), 1969; Mattson, Gecsei, Slutz, Traiger, "Evaluation
 * techniques for storage hierarchies", IBM Systems Journal 9(2), 1970 (inclusion).
 */
#include "analysis/figures.h"
#include "analysis/page_string.h"
#include "base/random.h"

#define FRAMES_MAX 200
#define PAGES_MAX  64
#define REFS_MAX   1000

static const char *const policies[] = {"fifo", "lru", "opt"};
#define NPOLICIES (sizeof policies / sizeof policies[0])

static size_t put_range(uint64_t *page, uint64_t first, uint64_t last)
{
    size_t n = 0;
    for (uint64_t p = first; p <= last; p++)
        page[n++] = p;
    return n;
}

static bool member_make(struct page_string *s, uint64_t m, struct vm_error *e)
{
    uint64_t page[4 * (FRAMES_MAX + 2)];
    size_t n = put_range(page, 1, m + 1);
    n += put_range(page + n, 1, m - 1);
    n += put_range(page + n, m + 2, m + 2);
    n += put_range(page + n, 1, m - 1);
    n += put_range(page + n, m, m + 2);
    return page_string_make(s, page, n, e);
}

/* ---- one member, over memory ---- */

static bool draw_member(struct vm_figures *out, uint64_t m, struct vm_error *e)
{
    const struct vm_chart shape = {
        .name = "faults",
        .title = figures_text(out, "Faults against frames: the string for %llu frames",
                              (unsigned long long)m),
        .about = "More memory should mean fewer faults. With fifo it need not: on this string it "
                 "faults once more with one frame more. lru and opt always hold with fewer frames "
                 "a part of what they hold with more, so their curves can only fall.",
        .note = m == 3 ? "1 2 3 4 1 2 5 1 2 3 4 5: Belady, Nelson and Shedler, 1969" : NULL,
        .x = {.label = "memory, frames"},
        .y = {.label = "faults"}};
    struct page_string s;
    if (!member_make(&s, m, e))
        return false;
    struct figure g = figure_add(out, &shape, NPOLICIES, FRAMES_MAX + 3);
    bool done = true;
    for (size_t i = 0; i < NPOLICIES && done; i++) {
        size_t series = figure_series(out, &g, policies[i], VM_SERIES_LINE);
        for (uint64_t frames = 1; frames <= m + 3 && done; frames++) {
            uint64_t faults = 0;
            done = page_string_misses(&s, policies[i], frames, 0, &faults, e);
            figure_point(&g, series, (double)frames, (double)faults);
        }
    }
    page_string_free(&s);
    return done;
}

/* ---- the family ---- */

/* Each policy's faults on member m, with m frames and with one more. */
static bool draw_points(struct figure *g, uint64_t m, struct vm_error *e)
{
    struct page_string s;
    if (!member_make(&s, m, e))
        return false;
    bool done = true;
    for (size_t i = 0; i < 2 * NPOLICIES && done; i++) {
        uint64_t faults = 0;
        done = page_string_misses(&s, policies[i / 2], m + i % 2, 0, &faults, e);
        figure_point(g, i, (double)m, (double)faults);
    }
    page_string_free(&s);
    return done;
}

static bool draw_family(struct vm_figures *out, uint64_t members, struct vm_error *e)
{
    static const struct vm_chart shape = {
        .name = "family",
        .title = "The family: faults with m frames and with one more",
        .about = "Such a string can be written for any number of frames m from 3 on. fifo faults "
                 "2m + 3 times with m frames, and 2m + 4 times with m + 1.",
        .x = {.label = "m, frames"},
        .y = {.label = "faults"}};
    struct figure g = figure_add(out, &shape, 2 * NPOLICIES, members);
    for (size_t i = 0; i < 2 * NPOLICIES; i++)
        figure_series(out, &g,
                      figures_text(out, "%s, %s frames", policies[i / 2], i % 2 ? "m + 1" : "m"),
                      VM_SERIES_LINE);
    for (uint64_t m = 3; m < 3 + members; m++)
        if (!draw_points(&g, m, e))
            return false;
    return true;
}

/* ---- random strings ---- */

static bool string_make(struct page_string *s, struct vm_random *random, uint64_t refs,
                        uint64_t pages, struct vm_error *e)
{
    uint64_t page[REFS_MAX];
    for (size_t i = 0; i < refs; i++)
        page[i] = vm_random_below(random, pages);
    return page_string_make(s, page, refs, e);
}

/* Count for each size whether one frame more makes more faults. */
static bool count_anomalies(const struct page_string *s, uint64_t pages, uint64_t *anomalies,
                            struct vm_error *e)
{
    uint64_t before = UINT64_MAX, faults;
    for (uint64_t frames = 1; frames <= pages; frames++) {
        if (!page_string_misses(s, "fifo", frames, 0, &faults, e))
            return false;
        anomalies[frames - 1] += faults > before;
        before = faults;
    }
    return true;
}

static bool draw_chance(struct vm_figures *out, const struct vm_experiment_request *r,
                        struct vm_error *e)
{
    uint64_t pages = vm_params_count(r->params, "pages"), refs = vm_params_count(r->params, "refs"),
             strings = vm_params_count(r->params, "strings"), anomalies[PAGES_MAX] = {0};
    const struct vm_chart shape = {
        .name = "chance",
        .title = "How common it is: random strings on which fifo has the anomaly",
        .about = "Of strings in which each page is as likely as any other, the share on which one "
                 "frame more makes more faults. The longer the strings, the more surely chance "
                 "evens it out: try --refs 500.",
        .note = figures_text(out, "%llu strings of %llu references to %llu pages, seed %llu",
                             (unsigned long long)strings, (unsigned long long)refs,
                             (unsigned long long)pages, (unsigned long long)r->config->seed),
        .x = {.label = "frames, before the one more"},
        .y = {.label = "share of the strings", .unit = VM_AXIS_RATIO}};
    struct vm_random random;
    vm_random_seed(&random, r->config->seed);
    for (uint64_t i = 0; i < strings; i++) {
        struct page_string s;
        if (!string_make(&s, &random, refs, pages, e))
            return false;
        bool done = count_anomalies(&s, pages, anomalies, e);
        page_string_free(&s);
        if (!done)
            return false;
    }
    struct figure g = figure_add(out, &shape, 1, PAGES_MAX);
    figure_series(out, &g, "fifo", VM_SERIES_LINE);
    for (uint64_t frames = 1; frames < pages; frames++)
        figure_point(&g, 0, (double)frames, (double)anomalies[frames] / (double)strings);
    return true;
}

static bool run(const struct vm_experiment_request *r, struct vm_figures *out, struct vm_error *e)
{
    return draw_member(out, vm_params_count(r->params, "member"), e) &&
           draw_family(out, vm_params_count(r->params, "members"), e) && draw_chance(out, r, e);
}

static const struct vm_param param[] = {
    {"member", VM_PARAM_COUNT, "3", 3, FRAMES_MAX - 1, NULL,
     "the string of the first chart, by its frames; 3: that of 1969"},
    {"members", VM_PARAM_COUNT, "14", 1, FRAMES_MAX - 3, NULL, "strings of the family, from 3 on"},
    {"refs", VM_PARAM_COUNT, "50", 1, REFS_MAX, NULL, "of each random string"},
    {"pages", VM_PARAM_COUNT, "8", 2, PAGES_MAX, NULL, "of the random strings"},
    {"strings", VM_PARAM_COUNT, "4000", 1, 1e6, NULL, "random strings"},
};

const struct vm_experiment_ops vm_experiment_belady = {
    .name = "belady",
    .summary = "fifo's anomaly: one frame more, and more faults",
    .source = "Belady, Nelson, Shedler, CACM 12(6), 1969",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .machine = VM_EXPERIMENT_SEED_ONLY,
    .trace = VM_EXPERIMENT_OWN_REFERENCES,
    .run = run,
};
