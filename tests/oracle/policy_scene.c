/* policy_scene.c - see policy_scene.h. */
#include "oracle/policy_scene.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script {
    vm_pageref ref[SCENE_REFS];
    size_t n;
    struct {
        size_t before; /* the reference before which it happens */
        uint32_t page;
    } drop[SCENE_REFS];
    size_t ndrops;
};

static struct script script_of(const char *text)
{
    struct script s = {.n = 0};
    while (*text) {
        bool drops = *text == '/';
        char *end;
        uint32_t page = (uint32_t)strtoul(text + drops, &end, 10);
        VM_ASSERT(page < SCENE_PAGES && end > text + drops && s.n < SCENE_REFS);
        bool writes = *end == 'w';
        text = end + writes + strspn(end + writes, " ");
        if (drops) {
            s.drop[s.ndrops].before = s.n;
            s.drop[s.ndrops++].page = page;
        } else {
            s.ref[s.n++] = page * 2 + writes;
        }
    }
    return s;
}

static void list_resident(const struct policy_host *h, char *out, size_t cap)
{
    size_t used = 0;
    for (uint32_t page = 0; page < h->npages; page++)
        if (h->r.frame_of[page])
            used += (size_t)snprintf(out + used, cap - used, used ? " %u" : "%u", page);
}

struct scene policy_scene_in(const struct policy_world *world, const char *text)
{
    struct script s = script_of(text);
    struct policy_world w = *world;
    w.npages = SCENE_PAGES;
    w.ref = s.ref;
    w.n = s.n;
    struct policy_host h;
    struct scene out = {.resident = ""};
    policy_host_open(&h, &w);
    for (size_t i = 0, k = 0; i <= s.n; i++) {
        for (; k < s.ndrops && s.drop[k].before == i; k++)
            policy_host_drop(&h, s.drop[k].page);
        if (i < s.n)
            policy_host_step(&h, s.ref[i]);
        h.ops->check(h.state);
    }
    list_resident(&h, out.resident, sizeof out.resident);
    out.outcome = policy_host_outcome(&h);
    policy_host_close(&h);
    if (s.ndrops == 0) {
        VM_ASSERT(policy_outcomes_equal(&w, "replay", out.outcome, policy_play(&w, 5)));
        VM_ASSERT(policy_outcomes_equal(&w, "runs", out.outcome, policy_play_runs(&w, 5)));
    }
    return out;
}

struct scene policy_scene(const char *policy, uint32_t nframes, const char *text)
{
    return policy_scene_in(&(struct policy_world){.policy = policy, .nframes = nframes}, text);
}
