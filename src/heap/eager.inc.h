/* eager.inc.h - the part of an index (tagged_template.inc.h) that is the same wherever boundary
 * tags let free neighbours be merged at once, and what remains of a block is a free block like
 * others.
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
