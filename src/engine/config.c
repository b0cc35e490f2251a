/* config.c - a machine's configuration as a table of options: from text, to text, from an INI file.
 */
#include "base/assert.h"
#include "engine/parts.h"

#include <ini.h>
#include <pagoda/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct vm_option options[] = {
#define OPTION(section, key, flag, kind, field, fallback, words, help)                             \
    {#section, #key,  #flag, VM_PARAM_##kind, offsetof(struct vm_config, field),                   \
     fallback, words, help},
#include "engine/options.def"
#undef OPTION
};
#define NOPTIONS (sizeof options / sizeof options[0])

const struct vm_option *vm_option_at(size_t i)
{
    return i < NOPTIONS ? &options[i] : NULL;
}

void vm_config_init(struct vm_config *c)
{
    struct vm_error e;
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < NOPTIONS; i++) {
        bool good = vm_config_set(c, &options[i], options[i].fallback, &e);
        VM_ASSERT(good);
    }
}

/* A WORD's value becomes its index among the words. */
static bool set_word(const struct vm_option *o, const char *noun, const char *text, uint64_t *out,
                     struct vm_error *e)
{
    const char *known[8];
    char copy[64], *rest = copy, *word;
    size_t n = 0;
    strcpy(copy, o->words);
    while ((word = strsep(&rest, "|"))) {
        if (!strcmp(word, text)) {
            *out = n;
            return true;
        }
        known[n++] = word;
    }
    return vm_fail_unknown(e, noun, text, known, n);
}

static bool set_text(const char *name, const char *text, char *out, struct vm_error *e)
{
    if (strlen(text) >= VM_CONFIG_TEXT)
        return vm_fail(e, VM_EUSAGE, "%s of %zu characters: expected at most %d", name,
                       strlen(text), VM_CONFIG_TEXT - 1);
    memset(out, 0, VM_CONFIG_TEXT);
    strcpy(out, text);
    return true;
}

static bool set_real(const char *name, const char *text, double *out, struct vm_error *e)
{
    double value;
    if (!vm_parse_real(text, name, &value, e))
        return false;
    if (!(value >= 0 && value <= 1e12))
        return vm_fail(e, VM_EUSAGE, "%s: %s is out of range: expected 0 to 1e12", name, text);
    *out = value;
    return true;
}

static bool set_count(const char *name, const char *text, uint64_t *out, struct vm_error *e)
{
    uint64_t value;
    if (!vm_parse_count(text, name, &value, e))
        return false;
    if (value > INT64_MAX) /* what JSON reports can hold */
        return vm_fail(e, VM_EUSAGE, "%s: %s is out of range: expected 0 to %lld", name, text,
                       (long long)INT64_MAX);
    *out = value;
    return true;
}

/* Set an option that messages call `name`: as the user wrote it, on the command line or in a file.
 */
static bool set_named(struct vm_config *c, const struct vm_option *o, const char *name,
                      const char *text, struct vm_error *e)
{
    void *field = (char *)c + o->offset;
    switch (o->kind) {
    case VM_PARAM_BYTES:
        return vm_parse_bytes(text, name, field, e);
    case VM_PARAM_COUNT:
        return set_count(name, text, field, e);
    case VM_PARAM_REAL:
        return set_real(name, text, field, e);
    case VM_PARAM_WORD:
        return set_word(o, name, text, field, e);
    case VM_PARAM_TEXT:
        return set_text(name, text, field, e);
    }
    VM_ASSERT(!"an option has a kind");
    return false;
}

bool vm_config_set(struct vm_config *c, const struct vm_option *o, const char *text,
                   struct vm_error *e)
{
    char name[32];
    snprintf(name, sizeof name, "--%s", o->flag);
    return set_named(c, o, name, text, e);
}

static const char *word_text(const struct vm_option *o, uint64_t index, char *out, size_t cap)
{
    const char *word = o->words;
    for (; index > 0; index--)
        word = strchr(word, '|') + 1;
    snprintf(out, cap, "%.*s", (int)strcspn(word, "|"), word);
    return out;
}

/* The largest binary unit that divides the size, so that the text reads back exactly. */
static const char *bytes_text(uint64_t bytes, char *out, size_t cap)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    unsigned u = 0;
    while (u < 4 && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        u++;
    }
    snprintf(out, cap, "%llu%s", (unsigned long long)bytes, units[u]);
    return out;
}

/* As short as reads back to the same number. */
static const char *real_text(double value, char *out, size_t cap)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, cap, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return out;
}

const char *vm_config_text(const struct vm_config *c, const struct vm_option *o, char *out,
                           size_t cap)
{
    const void *field = (const char *)c + o->offset;
    switch (o->kind) {
    case VM_PARAM_BYTES:
        return bytes_text(*(const uint64_t *)field, out, cap);
    case VM_PARAM_COUNT:
        snprintf(out, cap, "%llu", (unsigned long long)*(const uint64_t *)field);
        return out;
    case VM_PARAM_REAL:
        return real_text(*(const double *)field, out, cap);
    case VM_PARAM_WORD:
        return word_text(o, *(const uint64_t *)field, out, cap);
    case VM_PARAM_TEXT:
        snprintf(out, cap, "%s", (const char *)field);
        return out;
    }
    return out;
}

/* A page does not go to a device that takes no time because another one is full: as the slow one,
 * `none` is none. */
bool vm_config_has_slow(const struct vm_config *c)
{
    return strcmp(c->swap_slow, "none") != 0;
}

/* ---- INI ---- */

/* Names of parts, and their parameters, are looked up at once: only here is the line known. */
static bool check_parts(const struct vm_config *c, struct vm_error *e)
{
    struct vm_parts parts;
    struct vm_tlb_plan plan;
    struct vm_walk_cache_plan walk_caches;
    struct vm_cache_plan caches;
    return vm_parts_find(&parts, c, e) && vm_tlb_plan_parse(&plan, c->tlb, e) &&
           vm_walk_cache_plan_parse(&walk_caches, c->walk_caches, e) &&
           vm_cache_plan_parse(&caches, c->cache, e);
}

struct reading {
    const char *text; /* what is still to be read */
    int line;         /* the line that inih was given last */
    struct vm_config config;
    struct vm_error error; /* of the first entry that is wrong, in line error_line */
    int error_line;        /* 0: none */
};

/* inih's fgets. inih tells an entry's line only if it was built so; here it is counted. Indentation
 * is taken off, since inih takes an indented line for more of the value before it. */
static char *ini_line(char *out, int cap, void *user)
{
    struct reading *r = user;
    if (!*r->text || r->error_line)
        return NULL;
    r->line++;
    r->text += strspn(r->text, " \t");
    size_t n = strcspn(r->text, "\n"), max = (size_t)cap - 2; /* a newline and the end follow */
    if (n > max) {
        r->error_line = r->line;
        vm_fail(&r->error, VM_EUSAGE, "a line of %zu characters: expected at most %zu", n, max);
        return NULL;
    }
    snprintf(out, (size_t)cap, "%.*s\n", (int)n, r->text);
    r->text += n + (r->text[n] == '\n');
    return out;
}

/* Suggest from the keys of the section, or from the sections. */
static bool fail_name(struct vm_error *e, const char *section, const char *key)
{
    const char *sections[NOPTIONS], *keys[NOPTIONS];
    size_t nkeys = 0, nsections = 0;
    for (size_t i = 0; i < NOPTIONS; i++) {
        if (i == 0 || strcmp(options[i].section, options[i - 1].section) != 0)
            sections[nsections++] = options[i].section;
        if (!strcmp(options[i].section, section))
            keys[nkeys++] = options[i].key;
    }
    if (!*section)
        return vm_fail(e, VM_EUSAGE,
                       "key \"%s\" is in no section: expected \"[memory]\" or "
                       "another one before it",
                       key);
    if (!nkeys)
        return vm_fail_unknown(e, "section", section, sections, nsections);
    char noun[64];
    snprintf(noun, sizeof noun, "key of section [%.32s]", section);
    return vm_fail_unknown(e, noun, key, keys, nkeys);
}

static bool set_entry(struct reading *r, const char *section, const char *key, const char *value)
{
    char name[64];
    snprintf(name, sizeof name, "[%.24s] %.24s", section, key);
    for (size_t i = 0; i < NOPTIONS; i++)
        if (!strcmp(options[i].section, section) && !strcmp(options[i].key, key))
            return set_named(&r->config, &options[i], name, value, &r->error) &&
                   check_parts(&r->config, &r->error);
    return fail_name(&r->error, section, key);
}

static int ini_entry(void *user, const char *section, const char *key, const char *value)
{
    struct reading *r = user;
    if (!r->error_line && !set_entry(r, section, key, value))
        r->error_line = r->line;
    return 1;
}

bool vm_config_parse(struct vm_config *c, const char *name, const char *text, struct vm_error *e)
{
    struct reading r = {.text = text, .config = *c};
    int line = ini_parse_stream(ini_line, &r, ini_entry, &r);
    if (line < 0)
        return vm_fail(e, VM_ESYSTEM, "%s: no memory to read it", name);
    if (line > 0 && (!r.error_line || line < r.error_line))
        return vm_fail(e, VM_EUSAGE,
                       "%s:%d: cannot be read: expected \"[section]\", \"key = value\" or a "
                       "comment after ;",
                       name, line);
    if (r.error_line) {
        vm_fail(e, r.error.code, "%s:%d: %s", name, r.error_line, r.error.text);
        memcpy(e->hint, r.error.hint, sizeof e->hint);
        return false;
    }
    *c = r.config;
    return true;
}
