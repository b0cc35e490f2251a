/* tree_fit.c - best fit by a tree of the free blocks, ordered by length and then by address.
 *
 * Blocks of less than 1 KiB have a tree for each of their lengths, longer ones share one: so most
 * trees are small, and a map of those that are not empty finds the one that serves.
 *
 * A tree is a treap, embedded in the blocks: a search tree by length and address, and a heap by a
 * number that each block draws, here a hash of its place. So it has the shape of a tree that was
 * made in random order, whatever the order of the program's requests: a path is 1.39 log2 n blocks
 * long on average. It needs no more than the two links that the smallest block has room for: a
 * red-black or AVL tree would also want its colour or balance written somewhere, and be changed in
 * more ways.
 *
 * Invariants
 *  1. Left of a block are smaller ones, or those of its length at lower addresses; right of it the
 *     others. So the leftmost block that is long enough is the best fit, the lowest of its length.
 *     Trees follow each other by length.
 *  2. No block draws a higher number than the one above it.
 *  3. A link is followed only inside the region, and a path has at most DEPTH_MAX of them.
 *
 * Seidel & Aragon, "Randomized search trees", Algorithmica 16, 1996; Stephenson, "Fast fits: new
 * methods for dynamic storage allocation", SOSP 1983 (free blocks in a tree of themselves).
 */
#define TAGGED_LEAD(t) ((void)(t), sizeof(uint64_t)) /* boundary tags */
#include "heap/tagged.h"

/* A random tree of 2^40 blocks has a longer path with probability 10^-20. */
#define DEPTH_MAX 512

#define TREES 64 /* of lengths 16, 32 ... 1008, and of all others: bits of a word */

struct tree {
    struct tagged row;
    uint64_t filled; /* bit i: root[i] is not PLACE_NONE */
    size_t root[TREES];
    size_t *hook; /* the link by which find came to what it found, until the tree changes */
};

enum { LEFT, RIGHT }; /* false, true: right of what is before */

static size_t *child(const struct tree *h, size_t place, unsigned side)
{
    return tagged_link(&h->row, place, side);
}

/* What a link leads to on the way down, or PLACE_NONE. Whether the tag is valid, a seal and all, is
 * asked of the block that the way ends at: on it, that it stays in the region is enough. */
static size_t follow(const struct tree *h, size_t link)
{
    bool led = tagged_inside(&h->row, link) && tagged_is_free(&h->row, link);
    return led ? link : PLACE_NONE;
}

static uint64_t drawn(size_t place)
{
    return vm_mix64(place);
}

/* What the tree is ordered by. One number, so that the way down is computed and not guessed: half
 * of a processor's guesses would be wrong. */
static unsigned __int128 key(size_t bytes, size_t place)
{
    return (unsigned __int128)bytes << 64 | place;
}

/* Whether block `a` is left of a block of `bytes` at `place`. */
static bool is_before(const struct tree *h, size_t a, size_t bytes, size_t place)
{
    return key(tagged_bytes(&h->row, a), a) < key(bytes, place);
}

static unsigned tree_of(size_t bytes)
{
    size_t grains = bytes / VM_HEAP_ALIGN;
    return (unsigned)(grains < TREES ? grains : TREES) - 1;
}

/* Hang the blocks of the tree `root` that are before `place` into its left, the others into its
 * right link. */
static void split(struct tree *h, size_t root, size_t place, size_t bytes)
{
    size_t *hook[2] = {child(h, place, LEFT), child(h, place, RIGHT)};
    for (unsigned depth = 0; root != PLACE_NONE && depth < DEPTH_MAX; depth++) {
        unsigned side = !is_before(h, root, bytes, place);
        h->row.ground.searched++;
        *hook[side] = root;
        hook[side] = child(h, root, !side);
        root = follow(h, *hook[side]);
    }
    *hook[LEFT] = *hook[RIGHT] = PLACE_NONE;
}

static void index_insert(struct tree *h, size_t place)
{
    size_t bytes = tagged_bytes(&h->row, place), at;
    unsigned tree = tree_of(bytes);
    size_t *hook = &h->root[tree];
    uint64_t number = drawn(place);
    h->filled |= UINT64_C(1) << tree;
    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        at = follow(h, *hook);
        if (at == PLACE_NONE || drawn(at) < number)
            break;
        h->row.ground.searched++;
        hook = child(h, at, is_before(h, at, bytes, place));
    }
    split(h, follow(h, *hook), place, bytes);
    *hook = place;
    h->hook = NULL;
}

/* Hang two trees, all of the left one before all of the right one, into *hook as one. */
static void join(struct tree *h, size_t *hook, size_t left, size_t right)
{
    for (unsigned depth = 0; left != PLACE_NONE && right != PLACE_NONE && depth < DEPTH_MAX;
         depth++) {
        h->row.ground.searched++;
        if (drawn(left) > drawn(right)) {
            *hook = left;
            hook = child(h, left, RIGHT);
            left = follow(h, *hook);
        } else {
            *hook = right;
            hook = child(h, right, LEFT);
            right = follow(h, *hook);
        }
    }
    *hook = left != PLACE_NONE ? left : right;
}

/* The link that leads to the block. */
static size_t *find_hook(struct tree *h, size_t place)
{
    size_t bytes = tagged_bytes(&h->row, place), at;
    size_t *hook = &h->root[tree_of(bytes)];
    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        at = follow(h, *hook);
        if (at == place || at == PLACE_NONE)
            break;
        h->row.ground.searched++;
        hook = child(h, at, is_before(h, at, bytes, place));
    }
    return hook;
}

static void index_remove(struct tree *h, size_t place)
{
    unsigned tree = tree_of(tagged_bytes(&h->row, place));
    size_t *hook = h->hook && *h->hook == place ? h->hook : find_hook(h, place);
    h->hook = NULL;
    if (*hook == place)
        join(h, hook, follow(h, *child(h, place, LEFT)), follow(h, *child(h, place, RIGHT)));
    if (h->root[tree] == PLACE_NONE)
        h->filled &= ~(UINT64_C(1) << tree);
}

#define TAGGED_HEAP struct tree
#include "heap/eager.inc.h"

/* The leftmost block of the tree that is behind a block of `bytes` at `place`. */
static size_t find_in(struct tree *h, unsigned tree, size_t bytes, size_t place)
{
    size_t best = PLACE_NONE, *hook = &h->root[tree], at = follow(h, *hook);
    h->hook = NULL;
    for (unsigned depth = 0; at != PLACE_NONE && depth < DEPTH_MAX; depth++) {
        bool before = is_before(h, at, bytes, place);
        h->row.ground.searched++;
        best = before ? best : at;
        h->hook = before ? h->hook : hook;
        hook = child(h, at, before);
        at = follow(h, *hook);
    }
    return best;
}

/* The same of all trees. */
static size_t find_behind(struct tree *h, size_t bytes, size_t place)
{
    uint64_t filled = h->filled & ~vm_low_bits(tree_of(bytes));
    size_t found = PLACE_NONE;
    for (; filled && found == PLACE_NONE; filled &= filled - 1)
        found = find_in(h, (unsigned)__builtin_ctzll(filled), bytes, place);
    return found;
}

/* Of aligned requests, not every block that is long enough holds them: one after the other is
 * looked at, up to those that hold it wherever they lie. */
static size_t index_find(struct tree *h, size_t bytes, size_t align)
{
    size_t at = find_behind(h, bytes, PLACE_NONE);
    while (at != PLACE_NONE && !tagged_holds(&h->row, at, bytes, align))
        at = find_behind(h, tagged_bytes(&h->row, at), at + 1);
    return tagged_follow(&h->row, at);
}

static size_t index_max(const struct tree *h)
{
    size_t most = 0, at = h->filled ? follow(h, h->root[vm_log2(h->filled)]) : PLACE_NONE;
    for (unsigned depth = 0; at != PLACE_NONE && depth < DEPTH_MAX; depth++) {
        most = tagged_bytes(&h->row, at);
        at = follow(h, *child(h, at, RIGHT));
    }
    return most;
}

#include "heap/tagged_template.inc.h"

/* What check finds out about the tree: blocks are visited from left to right. */
struct visit {
    unsigned tree;
    size_t last;   /* place of the block before */
    uint64_t seen; /* blocks */
};

/* The blocks of a tree below one that drew `above`. Recursive: at most DEPTH_MAX deep. */
static bool check_tree(const struct tree *h, size_t at, uint64_t above, unsigned depth,
                       struct visit *v, struct vm_heap_damage *out)
{
    if (at == PLACE_NONE)
        return true;
    if (!tagged_is_free_block(&h->row, at) || drawn(at) > above || depth == DEPTH_MAX)
        return vm_tagged_damage(out, v->last, "a link of the tree, at or near that");
    if (!check_tree(h, *child(h, at, LEFT), drawn(at), depth + 1, v, out))
        return false;
    if (v->last != PLACE_NONE && !is_before(h, v->last, tagged_bytes(&h->row, at), at))
        return vm_tagged_damage(out, at, "the place in the tree");
    if (tree_of(tagged_bytes(&h->row, at)) != v->tree)
        return vm_tagged_damage(out, at, "in the tree of another length: that");
    v->last = at;
    v->seen++;
    return check_tree(h, *child(h, at, RIGHT), drawn(at), depth + 1, v, out);
}

static bool check(const void *state, struct vm_heap_damage *out)
{
    const struct tree *h = state;
    struct visit v = {0};
    uint64_t nfree;
    if (!vm_tagged_check(&h->row, &nfree, out))
        return false;
    for (v.tree = 0; v.tree < TREES; v.tree++) {
        size_t root = h->root[v.tree];
        if ((h->filled >> v.tree & 1) != (root != PLACE_NONE))
            return vm_tagged_damage(out, root, "the map of trees");
        if (!check_tree(h, root, UINT64_MAX, 0, &v, out))
            return false;
    }
    if (v.seen != nfree || nfree != h->row.ground.free_blocks)
        return vm_tagged_damage(out, v.last, "a link of the tree ends too early, near that");
    return true;
}

const struct vm_heap_ops vm_heap_tree_fit = {
    .name = "tree-fit",
    .summary = "best fit, found in a tree of the free blocks by length and address",
    .check = check,
    EAGER_OPS,
};
