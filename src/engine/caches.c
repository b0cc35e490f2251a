/* caches.c - the text that describes a machine's caches: "l1i=32KiB/8 l1d=48KiB/12:vipt:plru
 * l2=1MiB/16@3.5 l3=32MiB/16@15".
 *
 * Entries are separated by blanks or commas, and put in order by level, fetches before data. After
 * size and ways come words in any order: a replacement, an index, how a vivt cache tells address
 * spaces apart, when writes go on, and line=BYTES; what is left out is lru, pipt, asid, back, 64.
 */
#include <pagoda/engine.h>

#include <stdlib.h>
#include <string.h>

/* What an access takes that this level answers, unless @NS says otherwise: 4, 12 and 44 cycles at 4
 * GHz, the least latencies of Skylake (Intel, Optimization Reference Manual, "Cache Parameters of
 * the Skylake Microarchitecture"; the client part). Fourth levels differ too much. */
static const double usual_ns[] = {1, 3, 11};

static bool bad(struct vm_error *e, const char *entry, const char *what)
{
    vm_fail(e, VM_EUSAGE, "bad cache \"%s\": %s", entry, what);
    return vm_hint(e, "write lN[i|d]=BYTES/WAYS[:WORD...][@NS], for example \"l1i=32KiB/8 "
                      "l1d=32KiB/8:plru l2=1MiB/16\", or none");
}

/* "l1i" -> level 1, fetch side. */
static bool parse_name(struct vm_cache_config *c, const char *name, const char *entry,
                       struct vm_error *e)
{
    if (name[0] != 'l' || name[1] < '1' || name[1] > '0' + VM_CACHE_LEVELS || strlen(name) > 3)
        return bad(e, entry, "expected a name like l1i, l1d, l1, l2, up to l4");
    c->level = (unsigned)(name[1] - '0');
    c->side = name[2] == 'i' ? VM_CACHE_FETCH : name[2] == 'd' ? VM_CACHE_DATA : VM_CACHE_UNIFIED;
    if (name[2] && c->side == VM_CACHE_UNIFIED)
        return bad(e, entry, "expected i (fetches) or d (data) after the level");
    return true;
}

/* Whether `word` is one of the n names; *out is which. */
static bool is_one(const char *word, const char *const *names, size_t n, size_t *out)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(word, names[i])) {
            *out = i;
            return true;
        }
    return false;
}

/* What is larger is too large all the same, as the check of the cache will say. */
static uint32_t at_most_32_bits(uint64_t n)
{
    return n <= UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static bool parse_line(struct vm_cache_config *c, const char *text, struct vm_error *e)
{
    uint64_t bytes;
    if (!vm_parse_bytes(text, "cache line", &bytes, e))
        return false;
    c->line_bytes = at_most_32_bits(bytes);
    return true;
}

static bool parse_word(struct vm_cache_config *c, const char *word, struct vm_error *e)
{
    static const char *const words[] = {"lru",  "plru", "fifo",  "random",   "pipt", "vipt",
                                        "vivt", "asid", "flush", "untagged", "back", "through"};
    size_t i;
    if (!strncmp(word, "line=", 5))
        return parse_line(c, word + 5, e);
    if (is_one(word, vm_cache_replace_names, 4, &i))
        c->replace = (enum vm_cache_replace)i;
    else if (is_one(word, vm_cache_index_names, 3, &i))
        c->index = (enum vm_cache_index)i;
    else if (is_one(word, vm_cache_tags_names, 3, &i))
        c->tags = (enum vm_cache_tags)i;
    else if (is_one(word, vm_cache_write_names, 2, &i))
        c->write = (enum vm_cache_write)i;
    else
        return vm_fail_unknown(e, "word of a cache", word, words, sizeof words / sizeof words[0]);
    return true;
}

/* After the words, since the line's length may be one of them. */
static bool parse_ways(struct vm_cache_config *c, const char *ways, const char *entry,
                       struct vm_error *e)
{
    uint64_t n;
    if (!ways)
        return bad(e, entry, "expected ways after the size: /8, or /full");
    if (!strcmp(ways, "full"))
        n = c->line_bytes ? c->bytes / c->line_bytes : 0;
    else if (!vm_parse_count(ways, "cache ways", &n, e))
        return false;
    c->ways = at_most_32_bits(n);
    return true;
}

static bool parse_time(struct vm_cache_config *c, const char *ns, const char *entry,
                       struct vm_error *e)
{
    if (!ns && c->level > sizeof usual_ns / sizeof usual_ns[0])
        return bad(e, entry, "a fourth level has no usual time: expected @NS");
    if (!ns)
        c->hit_ns = usual_ns[c->level - 1];
    else if (!vm_parse_real(ns, "cache hit time", &c->hit_ns, e))
        return false;
    if (!(c->hit_ns >= 0 && c->hit_ns <= 1e9))
        return bad(e, entry, "a hit takes 0 to 1e9 ns");
    return true;
}

/* The value: BYTES/WAYS[:WORD...][@NS]; cut apart in place. */
static bool parse_value(struct vm_cache_config *c, char *value, const char *entry,
                        struct vm_error *e)
{
    char *ns = strchr(value, '@'), *words, *ways, *word;
    if (ns)
        *ns++ = 0;
    if ((words = strchr(value, ':')))
        *words++ = 0;
    if ((ways = strchr(value, '/')))
        *ways++ = 0;
    c->line_bytes = 64;
    if (!vm_parse_bytes(value, "cache size", &c->bytes, e))
        return false;
    while ((word = strsep(&words, ":")))
        if (!parse_word(c, word, e))
            return false;
    return parse_ways(c, ways, entry, e) && parse_time(c, ns, entry, e);
}

/* Put the cache at its place among those before it. */
static void add(struct vm_cache_plan *p, struct vm_cache_config c, const char *name)
{
    struct vm_caches_config *all = &p->caches;
    size_t i = all->n++;
    for (; i > 0 && (all->cache[i - 1].level > c.level ||
                     (all->cache[i - 1].level == c.level && all->cache[i - 1].side > c.side));
         i--) {
        all->cache[i] = all->cache[i - 1];
        memcpy(p->name[i], p->name[i - 1], sizeof p->name[i]);
    }
    all->cache[i] = c;
    strcpy(p->name[i], name);
    if (c.level > all->levels)
        all->levels = c.level;
}

static bool parse_entry(struct vm_cache_plan *p, char *entry, struct vm_error *e)
{
    struct vm_cache_config c = {0};
    char copy[96];
    if (strlen(entry) >= sizeof copy || p->caches.n == VM_CACHES_MAX)
        return bad(e, entry, "too long, or too many caches");
    strcpy(copy, entry);
    char *value = strchr(copy, '=');
    if (!value)
        return bad(e, entry, "expected name=size/ways");
    *value++ = 0;
    if (!parse_name(&c, copy, entry, e) || !parse_value(&c, value, entry, e))
        return false;
    add(p, c, copy);
    return true;
}

bool vm_cache_plan_parse(struct vm_cache_plan *out, const char *text, struct vm_error *e)
{
    struct vm_cache_plan p = {0};
    char copy[VM_CONFIG_TEXT], *rest = copy, *entry;
    if (strlen(text) >= sizeof copy)
        return bad(e, text, "too long");
    strcpy(copy, text);
    if (strcmp(text, "none") != 0)
        while ((entry = strsep(&rest, ", \t")))
            if (*entry && !parse_entry(&p, entry, e))
                return false;
    if (p.caches.n == 0 && strcmp(text, "none") != 0)
        return bad(e, text, "expected at least one cache, or none");
    p.caches.tables_level = 1;
    if (!vm_caches_config_check(&p.caches, e))
        return false;
    *out = p;
    return true;
}
