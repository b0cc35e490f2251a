/* joint_progress.c - see joint_progress.h. */
#include "analysis/joint_progress.h"

static void report(void *host, const char *what, const struct vm_trace_info *info, uint64_t refs)
{
    struct joint_part *p = host;
    struct joint_progress *all = p->all;
    (void)what;
    uint64_t more = refs >= p->refs ? refs - p->refs : refs; /* less: another pass has begun */
    uint64_t sum = atomic_fetch_add(&all->refs, more) + more;
    p->refs = refs;
    if (!all->told || atomic_flag_test_and_set(&all->telling))
        return;
    struct vm_trace_info whole = *info;
    whole.refs = all->refs_all;
    all->told->report(all->told->host, all->what, &whole, sum);
    atomic_flag_clear(&all->telling);
}

void joint_part_open(struct joint_part *p, struct joint_progress *all)
{
    *p = (struct joint_part){.progress = {p, report}, .all = all};
}
