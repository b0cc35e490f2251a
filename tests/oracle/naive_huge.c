/* naive_huge.c - see naive_huge.h. */
#include "oracle/naive_huge.h"

#include "base/assert.h"
#include "space/memory.h"

#define PAGE UINT64_C(4096)

#define EACH_SPACE(asid)            for (unsigned asid = 0; asid < NAIVE_HUGE_SPACES; asid++)
#define EACH_REGION(region)         for (unsigned region = 0; region < NAIVE_HUGE_REGIONS; region++)
#define EACH_PART(s, part)          for (unsigned part = 0; part < (s)->nparts; part++)
#define PART(s, asid, region, part) (&(s)->page[asid][(region) * (s)->nparts + (part)])

void naive_huge_open(struct naive_huge *s, const struct space_plan *plan, vm_va start)
{
    VM_ASSERT(1u << plan->huge.order <= NAIVE_HUGE_PARTS && plan->stray == VM_STRAY_FAULTS);
    *s = (struct naive_huge){.pages = plan->huge.pages,
                             .nparts = 1u << plan->huge.order,
                             .empty_max = plan->huge.empty_max,
                             .start = start};
}

unsigned naive_huge_npages(const struct naive_huge *s)
{
    return s->nparts * NAIVE_HUGE_REGIONS;
}

/* ---- who shares what ---- */

static unsigned frame_users(const struct naive_huge *s, unsigned frame)
{
    unsigned n = 0;
    EACH_SPACE(asid)
    for (unsigned i = 0; i < NAIVE_HUGE_PAGES; i++)
        n += s->page[asid][i].frame == frame;
    return n;
}

static unsigned huge_users(const struct naive_huge *s, unsigned huge)
{
    unsigned n = 0;
    EACH_SPACE(asid)
    EACH_REGION(r)
    n += s->region[asid][r].huge == huge;
    return n;
}

static unsigned untouched(const struct naive_huge *s, unsigned huge)
{
    unsigned n = 0;
    EACH_PART(s, i)
    n += !s->touched[huge][i];
    return n;
}

/* ---- making and splitting ---- */

/* Of all pages that are there. */
static void make_huge(struct naive_huge *s, unsigned asid, unsigned r)
{
    unsigned huge = ++s->nhuge;
    VM_ASSERT(huge < NAIVE_HUGE_MADE);
    EACH_PART(s, i)
    {
        s->touched[huge][i] = PART(s, asid, r, i)->frame;
        PART(s, asid, r, i)->frame = 0;
    }
    s->region[asid][r] = (struct naive_huge_region){.huge = huge};
}

static void split(struct naive_huge *s, unsigned huge)
{
    s->counts.demotions++;
    s->counts.huge_freed += untouched(s, huge);
    unsigned first_frame = s->nframes + 1;
    s->nframes += s->nparts;
    EACH_SPACE(asid)
    EACH_REGION(r)
    {
        if (s->region[asid][r].huge != huge)
            continue;
        s->region[asid][r].huge = 0;
        EACH_PART(s, i)
        if (s->touched[huge][i])
            PART(s, asid, r, i)->frame = first_frame + i;
    }
}

static void unreserve(struct naive_huge *s, struct naive_huge_region *region)
{
    s->counts.reservation_breaks += region->reserved;
    region->reserved = false;
}

/* Whether all pages are mapped alike, and to no file. */
static bool may_be_huge(const struct naive_huge *s, unsigned asid, unsigned r)
{
    const struct naive_huge_page *first = PART(s, asid, r, 0);
    EACH_PART(s, i)
    {
        const struct naive_huge_page *p = PART(s, asid, r, i);
        if (!p->mapped || p->prot != first->prot || p->backing != first->backing)
            return false;
    }
    return first->backing != VM_BACKING_FILE;
}

static unsigned present(const struct naive_huge *s, unsigned asid, unsigned r)
{
    unsigned n = 0;
    EACH_PART(s, i)
    n += PART(s, asid, r, i)->frame > 0;
    return n;
}

/* ---- what happens ---- */

static void first_touch(struct naive_huge *s, unsigned asid, unsigned r, struct naive_huge_page *p)
{
    struct naive_huge_region *region = &s->region[asid][r];
    bool fresh = present(s, asid, r) == 0 && may_be_huge(s, asid, r);
    p->frame = ++s->nframes;
    if (s->pages == VM_HUGE_FAULT && fresh) {
        make_huge(s, asid, r);
        s->counts.huge_faults++;
    }
    if (s->pages != VM_HUGE_RESERVE)
        return;
    if (fresh) {
        *region = (struct naive_huge_region){.reserved = true};
        s->counts.reservations++;
    }
    region->populated += region->reserved;
    if (region->reserved && region->populated == s->nparts) {
        make_huge(s, asid, r);
        s->counts.promotions++;
    }
}

void naive_huge_touch(struct naive_huge *s, vm_asid asid, unsigned page, enum vm_access access)
{
    struct naive_huge_page *p = &s->page[asid][page];
    unsigned r = page / s->nparts, huge = s->region[asid][r].huge;
    if (huge && access == VM_WRITE && huge_users(s, huge) > 1) {
        split(s, huge);
        huge = 0;
    }
    if (huge)
        s->touched[huge][page % s->nparts] = true;
    else if (!p->frame)
        first_touch(s, asid, r, p);
    else if (access == VM_WRITE && frame_users(s, p->frame) > 1)
        p->frame = ++s->nframes;
}

static void clear(struct naive_huge *s, unsigned asid)
{
    EACH_REGION(r)
    {
        unreserve(s, &s->region[asid][r]);
        s->region[asid][r] = (struct naive_huge_region){.huge = 0};
    }
    for (unsigned i = 0; i < NAIVE_HUGE_PAGES; i++)
        s->page[asid][i] = (struct naive_huge_page){.mapped = false};
}

static void fork_all(struct naive_huge *s, unsigned parent, unsigned child)
{
    clear(s, child);
    EACH_REGION(r)
    {
        unreserve(s, &s->region[parent][r]);
        s->region[child][r] = s->region[parent][r];
    }
    for (unsigned i = 0; i < NAIVE_HUGE_PAGES; i++)
        s->page[child][i] = s->page[parent][i];
}

/* A page of the range that the event is about; its region is no part-covered huge page any more. */
static void event_on_page(struct naive_huge_page *p, const struct vm_event *event)
{
    uint8_t prot = event->prot & VM_PROT_ALL ? event->prot | VM_PROT_READ : event->prot;
    switch ((enum vm_event_kind)event->kind) {
    case VM_EVENT_MAP:
        *p = (struct naive_huge_page){.mapped = true, .prot = prot, .backing = event->detail};
        break;
    case VM_EVENT_UNMAP:
        *p = (struct naive_huge_page){.mapped = false};
        break;
    case VM_EVENT_PROTECT:
        p->prot = prot;
        break;
    default: /* DONTNEED */
        p->frame = 0;
    }
}

static void event_on_region(struct naive_huge *s, const struct vm_event *event, unsigned r)
{
    struct naive_huge_region *region = &s->region[event->asid][r];
    bool inside[NAIVE_HUGE_PARTS];
    unsigned ninside = 0;
    EACH_PART(s, i)
    {
        vm_va va = s->start + (r * s->nparts + i) * PAGE;
        inside[i] = va + PAGE > event->va && va < event->va + event->bytes;
        ninside += inside[i];
    }
    if (ninside == 0)
        return;
    unreserve(s, region);
    if (region->huge && ninside < s->nparts)
        split(s, region->huge);
    if (event->kind != VM_EVENT_PROTECT)
        region->huge = 0;
    EACH_PART(s, i)
    if (inside[i])
        event_on_page(PART(s, event->asid, r, i), event);
}

void naive_huge_event(struct naive_huge *s, const struct vm_event *event)
{
    if (event->kind == VM_EVENT_FORK)
        fork_all(s, event->asid, event->child);
    if (event->kind == VM_EVENT_EXEC || event->kind == VM_EVENT_EXIT)
        clear(s, event->asid);
    bool ranged = event->kind == VM_EVENT_MAP || event->kind == VM_EVENT_UNMAP ||
                  event->kind == VM_EVENT_PROTECT ||
                  (event->kind == VM_EVENT_ADVISE && event->detail == VM_ADVICE_DONTNEED);
    EACH_REGION(r)
    if (ranged)
        event_on_region(s, event, r);
}

static bool is_fit(const struct naive_huge *s, unsigned asid, unsigned r)
{
    unsigned n = present(s, asid, r);
    EACH_PART(s, i)
    {
        unsigned frame = PART(s, asid, r, i)->frame;
        if (frame && frame_users(s, frame) > 1)
            return false;
    }
    return n > 0 && s->nparts - n <= s->empty_max && may_be_huge(s, asid, r);
}

void naive_huge_scan(struct naive_huge *s)
{
    EACH_SPACE(asid)
    EACH_REGION(r)
    {
        if (s->pages != VM_HUGE_COLLAPSE || !is_fit(s, asid, r))
            continue;
        s->counts.huge_copies += present(s, asid, r);
        s->counts.promotions++;
        make_huge(s, asid, r);
    }
}

/* ---- the comparison ---- */

static const char *inspect_page(const struct naive_huge *s, const struct space_world *w,
                                unsigned asid, unsigned page)
{
    const struct naive_huge_page *p = &s->page[asid][page];
    unsigned huge = s->region[asid][page / s->nparts].huge;
    struct vm_pte pte = space_world_pte(w, (vm_asid)asid, s->start + page * PAGE);
    if (pte.state == VM_PTE_SWAPPED)
        return "a page left an ample memory";
    if ((pte.order > 0) != (huge > 0))
        return huge ? "a page should be part of a huge one" : "a huge page should not be";
    if (huge &&
        !(w->memory->bits[pte.pfn] & VM_FRAME_TOUCHED) == s->touched[huge][page % s->nparts])
        return "a part of a huge page was touched, or was not";
    if (!huge && (pte.state == VM_PTE_PRESENT) != (p->frame > 0))
        return p->frame ? "a page is missing" : "a page should not be there";
    return NULL;
}

static const char *inspect_counts(const struct naive_huge *s, const struct vm_counts *c)
{
    uint64_t n = 0;
    for (unsigned huge = 1; huge <= s->nhuge; huge++)
        n += huge_users(s, huge) ? untouched(s, huge) : 0;
    if (c->huge_untouched != n)
        return "base pages never touched are miscounted";
    if (c->promotions != s->counts.promotions || c->demotions != s->counts.demotions ||
        c->huge_faults != s->counts.huge_faults || c->huge_copies != s->counts.huge_copies)
        return "huge pages made or split are miscounted";
    if (c->reservations != s->counts.reservations || c->huge_freed != s->counts.huge_freed ||
        c->reservation_breaks != s->counts.reservation_breaks || c->huge_misses)
        return "reservations or freed frames are miscounted";
    return NULL;
}

const char *naive_huge_inspect(const struct naive_huge *s, const struct space_world *w)
{
    const char *wrong = NULL;
    EACH_SPACE(asid)
    for (unsigned page = 0; page < naive_huge_npages(s) && !wrong; page++)
        wrong = inspect_page(s, w, asid, page);
    return wrong ? wrong : inspect_counts(s, &w->counts);
}
