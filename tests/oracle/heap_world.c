/* heap_world.c - see heap_world.h. */
#include "oracle/heap_world.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void law(struct heap_world *w, bool held, const char *otherwise)
{
    if (!held && !w->wrong)
        w->wrong = otherwise;
}

static bool all_are(const unsigned char *at, size_t bytes, unsigned char value)
{
    return !bytes || (*at == value && !memcmp(at, at + 1, bytes - 1));
}

static bool move_end(void *host, size_t end)
{
    struct heap_world *w = host;
    law(w, end % VM_HEAP_GRAIN == 0 && end <= w->env.limit && end != w->end,
        "the end moves by multiples of the grain, inside the limit");
    if (end > w->refuse && end > w->end)
        return false;
    unsigned char *base = w->env.base;
    if (end > w->end) {
        mprotect(base + w->end, end - w->end, PROT_READ | PROT_WRITE);
        w->grows++;
    } else {
        madvise(base + end, w->end - end, MADV_DONTNEED);
        mprotect(base + end, w->end - end, PROT_NONE);
        w->shrinks++;
    }
    w->end = end;
    return true;
}

static void open_region(struct heap_world *w, size_t limit)
{
    size_t bytes = limit + VM_HEAP_BASE_ALIGN;
    w->reserved = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    VM_ASSERT(w->reserved != MAP_FAILED);
    uintptr_t base = ((uintptr_t)w->reserved + VM_HEAP_BASE_ALIGN - 1) / VM_HEAP_BASE_ALIGN;
    w->env.base = (unsigned char *)(base * VM_HEAP_BASE_ALIGN);
}

void heap_world_open(struct heap_world *w, const struct vm_heap_ops *ops, const char *text,
                     size_t limit, uint64_t seed)
{
    struct vm_error e;
    *w = (struct heap_world){.ops = ops, .refuse = limit};
    bool good = vm_params_parse(&w->params, ops->name, ops->param, ops->nparams, text, &e);
    w->env = (struct vm_heap_env){
        .limit = limit, .cpus = 3, .host = w, .move_end = move_end, .params = &w->params};
    open_region(w, limit);
    size_t bytes = (ops->size(&w->env) + 63) / 64 * 64;
    w->state = aligned_alloc(64, bytes);
    VM_ASSERT(good && w->state);
    memset(w->state, 0, bytes);
    ops->init(w->state, &w->env);
    vm_random_seed(&w->random, seed);
}

void heap_world_close(struct heap_world *w)
{
    munmap(w->reserved, w->env.limit + VM_HEAP_BASE_ALIGN);
    free(w->state);
}

static uint64_t below(struct heap_world *w, uint64_t n)
{
    return vm_random_below(&w->random, n);
}

static uint32_t any_cpu(struct heap_world *w)
{
    return (uint32_t)below(w, w->env.cpus);
}

/* Whether [at, at + bytes) overlaps a live block other than number `but`. */
static bool overlaps(const struct heap_world *w, const unsigned char *at, size_t bytes, size_t but)
{
    for (size_t i = 0; i < w->nblocks; i++)
        if (i != but && at < w->block[i].at + w->block[i].bytes && w->block[i].at < at + bytes)
            return true;
    return false;
}

/* What the contract says of a block that the heap says is there. */
static void expect_block(struct heap_world *w, const struct heap_block *b, size_t but)
{
    size_t offset = (size_t)(b->at - w->env.base);
    law(w, offset < w->end && b->bytes <= w->end - offset, "a block lies in the region");
    law(w, (uintptr_t)b->at % b->align == 0, "a block is aligned");
    law(w, !overlaps(w, b->at, b->bytes, but), "no two live blocks overlap");
    law(w, w->ops->room(w->state, b->at) >= b->bytes, "a block has room for what was asked for");
}

void *heap_world_take(struct heap_world *w, size_t bytes, size_t align)
{
    struct heap_block b = {.bytes = bytes, .align = align, .fill = ++w->fill};
    if (w->nblocks == HEAP_WORLD_BLOCKS)
        return NULL;
    b.at = w->ops->take(w->state, bytes, align, any_cpu(w));
    if (!b.at) {
        w->failures++;
        return NULL;
    }
    w->takes++;
    expect_block(w, &b, w->nblocks);
    if (w->wrong)
        return NULL;
    memset(b.at, b.fill, w->ops->room(w->state, b.at));
    w->block[w->nblocks++] = b;
    return b.at;
}

void heap_world_give(struct heap_world *w, size_t i)
{
    struct heap_block b = w->block[i];
    law(w, all_are(b.at, b.bytes, b.fill), "a live block's bytes are its owner's");
    law(w, w->ops->give(w->state, b.at, any_cpu(w)) == VM_HEAP_FINE, "a live block is taken back");
    w->gives++;
    w->block[i] = w->block[--w->nblocks];
}

bool heap_world_resize(struct heap_world *w, size_t i, size_t bytes)
{
    struct heap_block *b = &w->block[i];
    size_t kept = bytes < b->bytes ? bytes : b->bytes;
    size_t room = w->ops->room(w->state, b->at);
    if (!w->ops->resize(w->state, b->at, bytes)) {
        law(w, w->ops->room(w->state, b->at) == room, "what was not resized is as it was");
        return false;
    }
    law(w, all_are(b->at, kept, b->fill), "a block that is resized keeps its bytes");
    b->bytes = bytes;
    expect_block(w, b, i);
    if (!w->wrong)
        memset(b->at, b->fill, w->ops->room(w->state, b->at));
    return true;
}

void heap_world_give_all(struct heap_world *w)
{
    while (w->nblocks && !w->wrong)
        heap_world_give(w, w->nblocks - 1);
}

/* Mostly small, at times all that there could be. */
static size_t any_bytes(struct heap_world *w)
{
    switch (below(w, 16)) {
    case 0:
        return 1 + below(w, 4 * w->env.limit);
    case 1:
    case 2:
        return 1 + below(w, w->env.limit / 8);
    case 3:
    case 4:
    case 5:
        return 1 + below(w, 5000);
    default:
        return 1 + below(w, 300);
    }
}

void heap_world_step(struct heap_world *w)
{
    size_t align = VM_HEAP_ALIGN << (below(w, 4) ? 0 : below(w, 10));
    bool grows = below(w, 400) < HEAP_WORLD_BLOCKS - w->nblocks;
    if (!w->nblocks || (grows && below(w, 4)))
        heap_world_take(w, any_bytes(w), align);
    else if (below(w, 4) == 0)
        heap_world_resize(w, below(w, w->nblocks), any_bytes(w));
    else
        heap_world_give(w, below(w, w->nblocks));
}

/* ---- the whole ---- */

struct pieces {
    struct vm_heap_piece *piece;
    size_t n, most;
};

static void add_piece(void *host, const struct vm_heap_piece *piece)
{
    struct pieces *p = host;
    if (p->n < p->most)
        p->piece[p->n] = *piece;
    p->n++;
}

size_t heap_world_pieces(const struct heap_world *w, struct vm_heap_piece *piece, size_t most)
{
    struct pieces p = {piece, 0, most};
    w->ops->walk(w->state, &p, add_piece);
    return p.n;
}

struct sums {
    struct heap_world *w;
    size_t end, bytes[3], free_max;
    uint64_t n[3];
};

static void add_sum(void *host, const struct vm_heap_piece *piece)
{
    struct sums *s = host;
    struct heap_world *w = s->w;
    law(w, piece->start == s->end && piece->bytes, "walk names every byte once");
    s->end = piece->start + piece->bytes;
    s->bytes[piece->kind] += piece->bytes;
    s->n[piece->kind]++;
    if (piece->kind == VM_HEAP_FREE && piece->bytes > s->free_max)
        s->free_max = piece->bytes;
    if (piece->kind != VM_HEAP_LIVE)
        return;
    for (size_t i = 0; i < w->nblocks; i++)
        if (w->block[i].at == w->env.base + piece->start) {
            law(w, piece->bytes == w->ops->room(w->state, w->block[i].at),
                "a live piece is a block's room");
            return;
        }
    law(w, false, "a live piece is a block that was taken");
}

void heap_world_inspect(struct heap_world *w)
{
    struct vm_heap_damage damage;
    struct vm_heap_usage u;
    struct sums s = {.w = w};
    law(w, w->ops->check(w->state, &damage), "check finds no damage where there is none");
    w->ops->walk(w->state, &s, add_sum);
    w->ops->usage(w->state, &u);
    law(w, s.end == w->end && u.held_bytes == w->end, "the pieces end where the region does");
    law(w,
        s.bytes[VM_HEAP_LIVE] == u.live_bytes && s.bytes[VM_HEAP_FREE] == u.free_bytes &&
            s.bytes[VM_HEAP_OVERHEAD] == u.overhead_bytes,
        "usage says how many bytes are live, free and overhead");
    law(w, s.n[VM_HEAP_LIVE] == u.live_blocks && u.live_blocks == w->nblocks,
        "usage says how many blocks are live");
    law(w, s.n[VM_HEAP_FREE] == u.free_blocks && s.free_max == u.free_max,
        "usage says what the free blocks are");
    law(w, u.takes == w->takes && u.gives == w->gives && u.failures == w->failures,
        "takes, gives and failures are counted");
    law(w, u.grows == w->grows && u.shrinks == w->shrinks, "moves of the end are counted");
    law(w, u.searched >= u.takes, "a take looks at something");
    law(w, u.state_bytes && u.state_bytes <= (w->ops->size(&w->env) + 63), "of the state a part");
}
