/* explain_pages.c - the steps of a story in which pages come, leave or stay, in words: faults, what
 * was read ahead, who left and why. See explain_lines.h.
 *
 * A page that was read ahead came before anybody touched it. To the policy its coming was a touch,
 * so that a choice may turn on it; what is said of the program's touches leaves it out.
 */
#include "report/explain_say.h"
#include "report/words.h"

#include <stdlib.h>

static bool has_price(const struct vm_story_step *s, enum vm_story_price kind)
{
    for (size_t i = 0; i < VM_STORY_PRICES_MAX; i++)
        if (s->price[i].kind == kind)
            return true;
    return false;
}

/* Of a page that was read ahead: since when it is there, and whether it had to be waited for. */
static void say_first_touch(struct explain_lines *l, const struct vm_story_step *s)
{
    char at[48];
    if (s->fault.ahead)
        explain_row(l, "read ahead", "%s, and touched now for the first time%s",
                    explain_reference(s->fault.came, at, sizeof at),
                    has_price(s, VM_STORY_PRICE_swap_in) ? ": it was still on its way" : "");
}

void explain_fault(struct explain_lines *l, const struct vm_story_step *s)
{
    const struct vm_vma *v = &s->fault.vma;
    char range[64], prot[4];
    explain_step(l, s, EXPLAIN_BAD, "The kernel resolves the fault: %s",
                 explain_fault_name(s->fault.kind));
    if (s->fault.has_vma) {
        explain_range(range, sizeof range, v->start, v->end);
        explain_row(l, "mapping", "%s, %s, %s", range, vm_prot_text(v->prot, prot),
                    vm_backing_text(v));
    }
    explain_row(l, "done", "%s", explain_fault_sentence(s));
    say_first_touch(l, s);
    if (s->fault.pfn != VM_NOFRAME)
        explain_row(l, "frame", "%u%s", s->fault.pfn,
                    s->fault.inserted ? ", the page's from now on" : "");
    explain_copies(l, s->fault.copied_bytes);
}

/* ---- pages that are read ahead ---- */

static unsigned long long magnitude(int64_t distance)
{
    return distance < 0 ? 0 - (unsigned long long)distance : (unsigned long long)distance;
}

/* "3 pages on", "1 page back". */
static const char *distance_text(int64_t distance, char *out, size_t cap)
{
    snprintf(out, cap, "%llu page%s %s", magnitude(distance), magnitude(distance) == 1 ? "" : "s",
             distance < 0 ? "back" : "on");
    return out;
}

static void say_why_these(struct explain_lines *l, const struct vm_story_step *s)
{
    char way[48], home[EXPLAIN_HOME];
    distance_text(s->wished.distance, way, sizeof way);
    switch (s->wished.why) {
    case VM_READAHEAD_BESIDE:
        explain_row(l, "because", "it is in %s: what lies beside it there, an aligned %u",
                    explain_home(l->story, s->wished.slot, home), s->wished.window);
        break;
    case VM_READAHEAD_AROUND:
        explain_row(l, "because",
                    "the mapping's last fault was on no page beside it: %u pages about it",
                    s->wished.window);
        break;
    case VM_READAHEAD_FORWARD:
        explain_row(l, "because",
                    "the mapping's last fault was on the page before: %u pages from it on",
                    s->wished.window);
        break;
    case VM_READAHEAD_BACKWARD:
        explain_row(l, "because",
                    "the mapping's last fault was on the page after: %u pages up to it",
                    s->wished.window);
        break;
    case VM_READAHEAD_STEADY:
        explain_row(l, "because", "faults have come %s, or a multiple of it, twice running", way);
        break;
    case VM_READAHEAD_MAJORITY:
        explain_row(l, "because", "%u of the last %u faults came %s", s->wished.votes,
                    s->wished.asked, way);
        break;
    case VM_READAHEAD_TREND:
        explain_row(l, "because", "no distance has a majority of the last faults; %s had it last",
                    way);
        break;
    }
}

/* Those of a wish that come, told behind it. */
static uint32_t count_coming(const struct vm_story *story, const struct vm_story_step *wished)
{
    uint32_t n = 0;
    for (const struct vm_story_step *s = wished + 1; s < story->step + story->nsteps; s++) {
        if (s->kind == VM_TAP_FAULT || s->kind == VM_TAP_WISHED)
            break;
        n += s->kind == VM_TAP_AHEAD;
    }
    return n;
}

void explain_wished(struct explain_lines *l, const struct vm_story_step *s)
{
    char page[32], first[32], last[32];
    uint32_t n = s->wished.n, coming = count_coming(l->story, s);
    explain_page_number(s->wished.va >> l->story->page_shift, page, sizeof page);
    explain_step(l, s, EXPLAIN_PLAIN, "Readahead %s wishes for %u page%s beside page %s",
                 l->story->config->readahead, n, n == 1 ? "" : "s", page);
    say_why_these(l, s);
    explain_row(l, s->wished.of_slots ? "slots" : "pages", "%s to %s",
                explain_page_number(s->wished.first, first, sizeof first),
                explain_page_number(s->wished.last, last, sizeof last));
    explain_row(l, "of these come", "%u%s", coming,
                coming < n ? ": others are in memory, or nobody's, or more than may come at once"
                           : "");
}

void explain_ahead(struct explain_lines *l, const struct vm_story_step *s)
{
    char page[48], home[EXPLAIN_HOME];
    explain_page_of(l->story, s->ahead.key, page, sizeof page);
    explain_step(l, s, EXPLAIN_PLAIN, "Page %s is read ahead into frame %u, from %s", page,
                 s->ahead.pfn, explain_home(l->story, s->ahead.slot, home));
}

/* ---- why a page left ---- */

/* How the choice turns on a number: what it is of, how the victim's stands to the others', and the
 * sentence that says it of all. */
static const struct {
    const char *verb, *than, *rule;
} reasons[] = {
    [VM_REASON_OLDEST] = {"came ", "before", "the page that came longest ago leaves"},
    [VM_REASON_STALEST] = {"last touched ", "before", "the page touched longest ago leaves"},
    [VM_REASON_NEWEST] = {"last touched ", "after", "the page touched last leaves"},
    [VM_REASON_FEWEST] = {"touched ", "against", "the page with the fewest touches leaves"},
    [VM_REASON_FARTHEST] = {"", "against", "the page needed farthest ahead leaves"},
    [VM_REASON_BITS] = {"", "", "the referenced bits, or these and the dirty ones, decide"},
    [VM_REASON_AGES] = {"referenced in the last ticks ", "against",
                        "the page referenced least in the last ticks leaves"},
    [VM_REASON_CHANCE] = {"", "", "any page leaves, by chance"},
    [VM_REASON_NEAREST] = {"", "against", "the page needed soonest leaves"},
    [VM_REASON_HISTORY] = {"", "", "how often and how far apart pages were touched decides"},
    [VM_REASON_LISTS] = {"", "", "its place in the policy's lists decides"},
    [VM_REASON_IDLE] = {"last touched ", "before", "a page that is not in use any more leaves"},
    [VM_REASON_GENERATION] = {"", "", "a page of the oldest generation leaves, if not referenced"},
    [VM_REASON_SHARE] = {"", "", "its process has more than its share of memory"},
};

/* Nobody has touched the page since it was read ahead. */
static bool is_untouched(const struct vm_story_frame *f)
{
    return f->ahead && f->touches == 1;
}

/* Of a page that nobody has touched, what a verb of touches says is not so. */
static const char *reason_verb(enum vm_reason reason, const struct vm_story_frame *f)
{
    bool of_touches = reason == VM_REASON_STALEST || reason == VM_REASON_NEWEST ||
                      reason == VM_REASON_FEWEST || reason == VM_REASON_IDLE;
    return of_touches && is_untouched(f) ? "not touched, read " : reasons[reason].verb;
}

/* "at 14"; of a page that came ahead, where that is what it is of: "ahead at 14". */
static const char *moment_text(uint64_t ref, bool ahead, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%s", ahead ? "ahead " : "");
    explain_reference(ref, out + n, cap - (size_t)n);
    return out;
}

/* The policy's count has the coming of a page that was read ahead as one more. */
static const char *times_text(const struct vm_story_frame *f, char *out, size_t cap)
{
    char count[32];
    uint64_t touches = f->touches - f->ahead;
    if (is_untouched(f))
        snprintf(out, cap, "%s", "ahead");
    else
        snprintf(out, cap, "%s time%s%s", vm_text_count(touches, count, sizeof count),
                 touches == 1 ? "" : "s", f->ahead ? " and read ahead" : "");
    return out;
}

/* A frame's number that the choice turned on: "at 14", "3 times", "never". */
static const char *reason_number(const struct vm_story *s, const struct vm_story_frame *f,
                                 char *out, size_t cap)
{
    char count[32];
    switch (s->reason) {
    case VM_REASON_OLDEST:
        return moment_text(f->came, f->ahead, out, cap);
    case VM_REASON_STALEST:
    case VM_REASON_NEWEST:
    case VM_REASON_IDLE:
        return moment_text(f->last, is_untouched(f), out, cap);
    case VM_REASON_FEWEST:
        return times_text(f, out, cap);
    case VM_REASON_FARTHEST:
    case VM_REASON_NEAREST:
        snprintf(out, cap, "%s", "never needed again");
        if (f->next)
            snprintf(out, cap, "needed next at %s", vm_text_count(f->next, count, sizeof count));
        return out;
    case VM_REASON_BITS:
        snprintf(out, cap, "%sreferenced, %s", f->bits & VM_FRAME_REFERENCED ? "" : "not ",
                 f->bits & VM_FRAME_DIRTY ? "dirty" : "clean");
        return out;
    case VM_REASON_AGES:
        for (unsigned i = 0; i < s->age_bits && i + 1 < cap; i++)
            snprintf(out + i, cap - i, "%d", f->ages >> (15 - i) & 1);
        return out;
    case VM_REASON_CHANCE:
    case VM_REASON_HISTORY:
    case VM_REASON_LISTS:
    case VM_REASON_GENERATION:
    case VM_REASON_SHARE:
        break;
    }
    snprintf(out, cap, "%s", "");
    return out;
}

/* Rivals that stand in the sentence of the victim; the others follow it. Bits compare with nothing.
 */
static uint32_t nearest(const struct vm_story_step *s, enum vm_reason reason)
{
    bool compares = *reasons[reason].than;
    uint32_t most = compares ? 2 : 0;
    return s->leaving.frame.n < most ? s->leaving.frame.n : most;
}

/* "frame 2: page 7 last touched at 14, before page 3 at 17 and page 9 at 21; dirty, so one write"
 */
static void say_because(struct explain_lines *l, const struct vm_story_step *s)
{
    const struct vm_story *story = l->story;
    const struct vm_story_frame *victim = &s->leaving.victim;
    char text[232], page[48], number_of[64];
    int n = snprintf(text, sizeof text, "frame %u: page %s %s%s", victim->pfn,
                     explain_page_of(story, victim->key, page, sizeof page),
                     reason_verb(story->reason, victim),
                     reason_number(story, victim, number_of, sizeof number_of));
    for (uint32_t i = 0; i < nearest(s, story->reason); i++) {
        const struct vm_story_frame *f = &story->frame[s->leaving.frame.first + i];
        n += snprintf(text + n, sizeof text - (size_t)n, "%s%s page %s %s", i ? "" : ", ",
                      i ? " and" : reasons[story->reason].than,
                      explain_page_of(story, f->key, page, sizeof page),
                      reason_number(story, f, number_of, sizeof number_of));
    }
    explain_row(l, "because", "%.190s; %s", text,
                s->leaving.leaving.how == VM_LEFT_WRITTEN ? "dirty, so one write"
                                                          : "clean, so no write");
}

/* The rivals that the sentence has no room for; of bits, those that the choice has cost theirs. */
static void say_rivals(struct explain_lines *l, const struct vm_story_step *s)
{
    const struct vm_story *story = l->story;
    char page[48], number_of[64];
    const char *last = "";
    for (uint32_t i = nearest(s, story->reason); i < s->leaving.frame.n; i++) {
        const struct vm_story_frame *f = &story->frame[s->leaving.frame.first + i];
        const char *label = f->spared ? "passed over" : "others";
        explain_row(l, label == last ? "" : label, "frame %u: page %s %s%s%s", f->pfn,
                    explain_page_of(story, f->key, page, sizeof page),
                    reason_verb(story->reason, f),
                    reason_number(story, f, number_of, sizeof number_of),
                    f->spared ? ": the bit is cleared" : "");
        last = label;
    }
}

static void say_choice(struct explain_lines *l, const struct vm_story_step *s)
{
    const struct vm_story *story = l->story;
    char count[32];
    explain_row(l, "policy", "%s: %s", story->policy, reasons[story->reason].rule);
    if (story->reason != VM_REASON_CHANCE) {
        say_because(l, s);
        say_rivals(l, s);
    }
    explain_row(l, "out of", "%s page%s in memory",
                vm_text_count(s->leaving.frames_all, count, sizeof count),
                s->leaving.frames_all == 1 ? "" : "s");
}

static void say_eviction(struct explain_lines *l, const struct vm_story_step *s, const char *page)
{
    const struct vm_leaving *v = &s->leaving.leaving;
    char home[EXPLAIN_HOME];
    explain_step(l, s, EXPLAIN_BAD, "Eviction: page %s leaves frame %u", page, v->pfn);
    if (v->why == VM_LEAVES_CHOSEN)
        say_choice(l, s);
    else if (v->why == VM_LEAVES_GIVEN)
        explain_row(l, "policy", "%s gives it up, though no frame is wanted", l->story->policy);
    else
        explain_row(l, "because", "its place is needed, whoever is there");
    if (v->how == VM_LEFT_QUEUED)
        explain_row(l, "contents", "dirty: to be written with others to %s",
                    explain_home(l->story, v->slot, home));
    else if (v->how == VM_LEFT_WRITTEN)
        explain_row(l, "contents", "dirty: written to %s", explain_home(l->story, v->slot, home));
    else if (v->slot)
        explain_row(l, "contents", "clean, and %s still has them",
                    explain_home(l->story, v->slot, home));
    else
        explain_row(l, "contents", "clean, and in a file or still zeros: dropped");
}

static void say_parked(struct explain_lines *l, const struct vm_story_step *s, const char *page)
{
    const struct vm_leaving *v = &s->leaving.leaving;
    explain_step(l, s, EXPLAIN_PLAIN, "Page %s %s in frame %u", page,
                 v->ahead ? "has no entries, and stays" : "loses its entries, and stays", v->pfn);
    explain_row(l, "policy", "%s sets it aside: its next touch is a soft fault", l->story->policy);
}

void explain_leaving(struct explain_lines *l, const struct vm_story_step *s)
{
    const struct vm_leaving *v = &s->leaving.leaving;
    char page[48], home[EXPLAIN_HOME], at[48];
    explain_page_of(l->story, v->key, page, sizeof page);
    if (v->why == VM_LEAVES_MAPPING)
        explain_step(l, s, EXPLAIN_PLAIN, "Page %s gives up frame %u: its mapping went", page,
                     v->pfn);
    else if (v->why == VM_LEAVES_MOVED)
        explain_step(l, s, EXPLAIN_PLAIN, "Page %s moves out of frame %u: a run of frames is made",
                     page, v->pfn);
    else if (v->why == VM_LEAVES_UNUSED)
        explain_step(l, s, EXPLAIN_PLAIN,
                     "Frame %u is free: page %s of a huge page was never touched", v->pfn, page);
    else if (v->how == VM_LEFT_PARKED)
        say_parked(l, s, page);
    else if (v->why == VM_LEAVES_WRITTEN)
        explain_step(l, s, EXPLAIN_PLAIN,
                     "Page %s is being written to %s; frame %u is free when it is", page,
                     explain_home(l->story, v->slot, home), v->pfn);
    else
        say_eviction(l, s, page);
    if (v->ahead)
        explain_row(l, "read ahead", "%s, and nobody has touched it",
                    explain_reference(s->leaving.victim.came, at, sizeof at));
}

void explain_cleaned(struct explain_lines *l, const struct vm_story_step *s)
{
    char page[48], home[EXPLAIN_HOME];
    explain_page_of(l->story, s->cleaned.key, page, sizeof page);
    explain_step(l, s, EXPLAIN_PLAIN, "Page %s is written ahead of need, and stays in frame %u",
                 page, s->cleaned.pfn);
    explain_row(l, "contents", "clean from now on: %s has them, too",
                explain_home(l->story, s->cleaned.slot, home));
}
