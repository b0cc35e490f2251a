/* eager.inc.h - the part of an index (tagged_template.inc.h) that is the same wherever boundary
 * tags let free neighbours be merged at once, and what remains of a block is a free block like
 * others; and the functions of a heap that has no parameters but the region's.
 */
static size_t index_below(const TAGGED_HEAP *h, size_t place)
{
    return tagged_below(&h->row, place);
}

static void index_return(TAGGED_HEAP *h, size_t place)
{
    index_insert(h, place);
}

static bool index_merges(const TAGGED_HEAP *h)
{
    (void)h;
    return true;
}

static bool index_gather(const TAGGED_HEAP *h)
{
    (void)h;
    return false;
}

static size_t index_split_min(const TAGGED_HEAP *h)
{
    (void)h;
    return TAGGED_BYTES_MIN;
}

static size_t eager_size(const struct vm_heap_env *env)
{
    (void)env;
    return sizeof(TAGGED_HEAP);
}

static void eager_init(void *state, const struct vm_heap_env *env)
{
    TAGGED_HEAP *h = state;
    vm_tagged_init(&h->row, env, sizeof(uint64_t));
}

static const struct vm_param eager_param[] = {GROUND_GROW_PARAM, GROUND_TRIM_PARAM};

/* The members of struct vm_heap_ops that they have in common. */
#define EAGER_OPS                                                                                  \
    .sees = TAGGED_SEES, .param = eager_param,                                                     \
    .nparams = sizeof eager_param / sizeof eager_param[0], .size = eager_size, .init = eager_init, \
    .take = tagged_take, .give = tagged_give, .resize = tagged_resize, .room = tagged_room,        \
    .usage = tagged_usage, .walk = tagged_walk
