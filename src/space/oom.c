/* oom.c - out of memory and swap: a process is killed, if that is the rule.
 *
 * The one with the largest resident set goes, of equals the youngest: it frees the most, and what
 * ran longest has the most to lose. (Linux weighs resident set, swap and page tables of a process,
 * without age: mm/oom_kill.c, oom_badness.) All its pages and mappings are gone at once; its
 * address space stays until it exits, empty, and what it touches from then on is refused.
 *
 * A step of the kernel that failed for want of a frame or slot is taken back by whoever began it,
 * and begun again after the kill. Huge pages and segments cannot take every step back, so they and
 * this rule do not go together (vm_reclaim_plan).
 */
#include "base/assert.h"
#include "space/memory.h"

/* Whom to kill, or NULL: nobody has a page. */
static struct vm_space *choose(struct vm_memory *m, vm_asid *asid)
{
    struct vm_space *worst = NULL;
    for (unsigned i = 0; i < m->asid_end; i++) {
        struct vm_space *s = &m->space[i];
        if (!s->open || s->resident == 0 || (worst && s->resident < worst->resident) ||
            (worst && s->resident == worst->resident && s->born < worst->born))
            continue;
        worst = s;
        *asid = (vm_asid)i;
    }
    return worst;
}

bool vm_oom_relieve(struct vm_memory *m)
{
    vm_asid asid = 0;
    struct vm_space *s = m->starved && m->c.oom == VM_OOM_KILL ? choose(m, &asid) : NULL;
    m->starved = false;
    if (!s)
        return false;
    m->c.counts->oom_kills++;
    m->c.counts->oom_pages += s->resident;
    vm_space_empty(m, asid);
    s->killed = true;
    return true;
}
