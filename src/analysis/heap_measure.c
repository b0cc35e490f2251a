/* heap_measure.c - a trace's requests under an allocator of the host, in a process of their own.
 *
 * A reset is the end of a process: the program that is played frees what it has then. So a trace
 * that has one is measured as one long program.
 */
#include <pagoda/requests.h>

#include "base/child.h"
#include "base/heap_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The live blocks of the recorded program are given back at a reset: room for that many more. */
struct script {
    struct play_head *head; /* [bytes], the requests behind it */
    struct play_request *request;
    unsigned char *live; /* [nblocks] */
};

static void add(struct script *s, struct play_request q)
{
    s->request[s->head->requests++] = q;
    s->live[q.block] = q.kind != PLAY_GIVE;
}

static void write_script(struct script *s, const struct vm_requests *r)
{
    uint32_t first = 0, next = 0; /* blocks that can be live: [first, next) */
    for (size_t i = 0; i < r->n; i++) {
        const struct vm_request *q = &r->request[i];
        switch ((enum vm_request_kind)q->kind) {
        case VM_REQUEST_TAKE:
            add(s, (struct play_request){q->bytes, q->block, PLAY_TAKE, q->align_shift, 0});
            next = q->block + 1;
            break;
        case VM_REQUEST_GIVE:
            add(s, (struct play_request){0, q->block, PLAY_GIVE, 0, 0});
            break;
        case VM_REQUEST_CHANGE:
            add(s, (struct play_request){q->bytes ? q->bytes : 1, q->block, PLAY_CHANGE, 0, 0});
            break;
        case VM_REQUEST_RESET:
            for (; first < next; first++)
                if (s->live[first])
                    add(s, (struct play_request){0, first, PLAY_GIVE, 0, 0});
            break;
        case VM_REQUEST_NONE:
            break;
        }
    }
}

static bool open_script(struct script *s, const struct vm_requests *r, struct vm_error *e)
{
    size_t most = r->n + r->nblocks;
    s->head = malloc(sizeof *s->head + most * sizeof *s->request);
    s->live = calloc(r->nblocks ? r->nblocks : 1, 1);
    if (!s->head || !s->live)
        return vm_fail(e, VM_ESYSTEM, "out of memory to measure %zu requests", r->n);
    *s->head = (struct play_head){0, r->nblocks};
    s->request = (struct play_request *)(s->head + 1);
    write_script(s, r);
    return true;
}

static bool run_script(const struct script *s, const char *player, const char *library, FILE *out,
                       struct vm_error *e)
{
    char preload[4200], why[VM_CHILD_COMPLAINT];
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", library ? library : "");
    const char *const argv[] = {"env", preload, player, NULL};
    size_t bytes = sizeof *s->head + s->head->requests * sizeof *s->request;
    enum vm_child_end end = vm_child_filter(argv, (const char *)s->head, bytes, out, why);
    return end == VM_CHILD_DONE ||
           vm_fail(e, VM_ESYSTEM, "%s: %s", player, end == VM_CHILD_ABSENT ? "no env" : why);
}

bool vm_heap_measure(const struct vm_requests *r, const char *name, const char *player,
                     const char *library, struct vm_heap_measured *out, struct vm_error *e)
{
    struct script s = {0};
    char text[128] = "";
    unsigned long long peak = 0, failures = 0;
    double ns = 0;
    FILE *told = fmemopen(text, sizeof text - 1, "w");
    bool good = told || vm_fail(e, VM_ESYSTEM, "out of memory to measure");
    good = good && open_script(&s, r, e) && run_script(&s, player, library, told, e);
    if (told)
        fclose(told);
    if (good && sscanf(text, "%llu %lf %llu", &peak, &ns, &failures) != 3)
        good = vm_fail(e, VM_ESYSTEM, "%s: told \"%s\": expected three numbers", player, text);
    *out = (struct vm_heap_measured){.rss_peak = peak, .failures = failures};
    if (good && s.head->requests)
        out->ns = ns / (double)s.head->requests;
    snprintf(out->name, sizeof out->name, "%s", name);
    free(s.head);
    free(s.live);
    return good;
}
