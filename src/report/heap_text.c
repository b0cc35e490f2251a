/* heap_text.c - what heaps made of a trace's requests, for people. */
#include "report/words.h"

#include <string.h>

#define NAME_WIDTH   14
#define FAULTS_SHOWN 10

static const char *site_name(const struct vm_trace_info *t, uint32_t site)
{
    return site && site <= t->nsites ? t->site[site - 1] : "an unknown site";
}

void vm_report_request(FILE *out, const struct vm_trace_info *t, uint64_t number,
                       const struct vm_event *v)
{
    fprintf(out, "  %10llu  thread %-3u  %-14s", (unsigned long long)number, v->thread,
            vm_request_call_names[v->detail < VM_REQUEST_CALLS ? v->detail : 0]);
    if (v->kind == VM_EVENT_RESIZE)
        fprintf(out, " 0x%llx to", (unsigned long long)v->from);
    if (v->kind != VM_EVENT_FREE)
        fprintf(out, " %llu bytes", (unsigned long long)v->bytes);
    if (v->kind == VM_EVENT_ALLOC && v->align)
        fprintf(out, " aligned to %llu", (unsigned long long)v->align);
    if (v->va)
        fprintf(out, "%s 0x%llx", v->kind == VM_EVENT_FREE ? "" : " at", (unsigned long long)v->va);
    else
        fputs(": not served", out);
    fprintf(out, "  %s\n", site_name(t, v->site));
}

struct sheet {
    FILE *out;
    const struct vm_heaps *h;
    struct vm_style style;
    int width; /* of the heaps' names */
};

static void put_head(const struct sheet *s)
{
    const struct vm_requests *r = s->h->requests;
    char n[32], peak[32], end[32], all[32];
    fprintf(s->out, "\n%sRequests%s %s", s->style.bold, s->style.end,
            vm_text_count(r->n, n, sizeof n));
    fprintf(s->out, ": %s alloc", vm_text_count(r->takes, n, sizeof n));
    fprintf(s->out, ", %s free", vm_text_count(r->gives, n, sizeof n));
    fprintf(s->out, ", %s resize; threads %u", vm_text_count(r->changes, n, sizeof n), r->nthreads);
    if (r->resets)
        fprintf(s->out, "; the program was another from %llu on", (unsigned long long)r->resets);
    fprintf(s->out, "\n  %sasked for%s %s at most (after request %s), %s at the end; %s in all\n",
            s->style.dim, s->style.end, vm_text_bytes(r->asked_peak, peak, sizeof peak),
            vm_text_count(r->peak_number, n, sizeof n),
            vm_text_bytes(r->asked_end, end, sizeof end),
            vm_text_bytes(r->asked_all, all, sizeof all));
    if (r->refused)
        fprintf(s->out, "  passed over, as the program was not served either: %s\n",
                vm_text_count(r->refused, n, sizeof n));
}

static void put_faults(const struct sheet *s)
{
    const struct vm_requests *r = s->h->requests;
    char n[32];
    if (!r->nfaults)
        return;
    fprintf(s->out, "\n%sFaults of the trace%s %s\n", s->style.bold, s->style.end,
            vm_text_count(r->nfaults, n, sizeof n));
    for (int k = 0; k < VM_REQUEST_FAULTS; k++)
        if (r->faults[k])
            fprintf(s->out, "  %10s  %s\n", vm_text_count(r->faults[k], n, sizeof n),
                    vm_request_fault_text((enum vm_request_fault_kind)k));
    for (uint64_t i = 0; i < r->nfaults && i < FAULTS_SHOWN; i++) {
        vm_report_request(s->out, &s->h->trace, r->fault[i].number, &r->fault[i].event);
        fprintf(s->out, "              %s%s%s\n", s->style.dim,
                vm_request_fault_text(r->fault[i].kind), s->style.end);
    }
    if (r->nfaults > FAULTS_SHOWN)
        fprintf(s->out, "  %s... the first %d are shown%s\n", s->style.dim, FAULTS_SHOWN,
                s->style.end);
}

static void put_moment(const struct sheet *s, const char *name, const struct vm_heap_moment *m)
{
    char held[32], live[32], over[32], max[32];
    const struct vm_heap_usage *u = &m->usage;
    fprintf(s->out, "  %-*s %10s %10s %10s %8.1f %% %8.1f %% %12s\n", s->width, name,
            vm_text_bytes(u->held_bytes, held, sizeof held),
            vm_text_bytes(u->live_bytes, live, sizeof live),
            vm_text_bytes(u->overhead_bytes + u->state_bytes, over, sizeof over),
            100 * vm_heap_internal(m), 100 * vm_heap_external(m),
            vm_text_bytes(u->free_max, max, sizeof max));
}

static void put_moments(const struct sheet *s, const char *title, size_t offset)
{
    fprintf(s->out, "\n%s%s%s\n%s  %-*s %10s %10s %10s %10s %10s %12s%s\n", s->style.bold, title,
            s->style.end, s->style.dim, s->width, "heap", "held", "live", "overhead", "internal",
            "external", "largest free", s->style.end);
    for (size_t i = 0; i < s->h->nresults; i++) {
        const char *result = (const char *)&s->h->result[i];
        put_moment(s, s->h->result[i].spec, (const struct vm_heap_moment *)(result + offset));
    }
}

static void put_work(const struct sheet *s)
{
    char held[32], splits[32], merges[32], moved[32], failures[32];
    fprintf(s->out, "\n%sIn all%s\n%s  %-*s %10s %10s %11s %11s %10s %9s%s%s\n", s->style.bold,
            s->style.end, s->style.dim, s->width, "heap", "held most", "searched", "splits",
            "merges", "moved", "failures", s->h->ns ? "  ns measured" : "", s->style.end);
    for (size_t i = 0; i < s->h->nresults; i++) {
        const struct vm_heap_result *r = &s->h->result[i];
        fprintf(s->out, "  %-*s %10s %10.2f %11s %11s %10s %9s", s->width, r->spec,
                vm_text_bytes(r->held_peak, held, sizeof held),
                r->requests ? (double)r->searched / (double)r->requests : 0,
                vm_text_count(r->splits, splits, sizeof splits),
                vm_text_count(r->merges, merges, sizeof merges),
                vm_text_bytes(r->moved_bytes, moved, sizeof moved),
                vm_text_count(r->failures, failures, sizeof failures));
        if (s->h->ns)
            fprintf(s->out, "  %11.1f", s->h->ns[i]);
        fputc('\n', s->out);
    }
    for (size_t i = 0; i < s->h->nmeasured; i++) {
        const struct vm_heap_measured *m = &s->h->measured[i];
        fprintf(s->out, "  %-*s %10s %10s %11s %11s %10s %9s  %11.1f  %smeasured%s\n", s->width,
                m->name, vm_text_bytes(m->rss_peak, held, sizeof held), "", "", "", "",
                vm_text_count(m->failures, failures, sizeof failures), m->ns, s->style.dim,
                s->style.end);
    }
}

static void put_note(const struct sheet *s)
{
    fprintf(s->out,
            "%s  overhead: headers, tables and gaps; internal: of live, beyond what was asked for; "
            "external: of free,\n  what is not in the largest free block; searched: free blocks, "
            "lists or levels looked at, a request;\n  moved: copied by resizes%s%s\n",
            s->style.dim,
            s->h->nmeasured ? ";\n  measured: the requests in a process of their own, its memory "
                              "beyond what it began with"
                            : "",
            s->style.end);
}

void vm_report_heap_text(FILE *out, const struct vm_heaps *h, enum vm_colour colour)
{
    struct sheet s = {out, h, vm_style(colour), NAME_WIDTH};
    for (size_t i = 0; i < h->nresults; i++) {
        int own = (int)strlen(h->result[i].spec);
        s.width = own > s.width ? own : s.width;
    }
    vm_text_trace(out, &h->trace, s.style);
    if (h->trace.origin && *h->trace.origin)
        fprintf(out, "  made by %s\n", h->trace.origin);
    put_head(&s);
    put_faults(&s);
    put_moments(&s, "When most is asked for", offsetof(struct vm_heap_result, peak));
    put_moments(&s, "At the end", offsetof(struct vm_heap_result, end));
    put_work(&s);
    put_note(&s);
}
