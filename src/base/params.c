/* params.c - see params.h: a spec's "key=value,key=value" against a part's table.
 *
 * Every value, given or fallback, goes through one parser, so that a fallback outside its own
 * bounds cannot exist.
 */
#include "base/assert.h"

#include <math.h>
#include <pagoda/params.h>
#include <stdio.h>
#include <string.h>

/* "owner:key", the place that messages about a value begin with. */
struct place {
    char text[96];
};

static struct place place_of(const char *owner, const char *key)
{
    struct place place;
    snprintf(place.text, sizeof place.text, "%s:%s", owner, key);
    return place;
}

static size_t row_find(const struct vm_param *table, size_t n, const char *name)
{
    size_t i = 0;
    while (i < n && strcmp(table[i].name, name) != 0)
        i++;
    return i;
}

/* A bound as the user would write the value. */
static void bound_print(char *out, size_t cap, const struct vm_param *row, double bound)
{
    if (row->kind == VM_PARAM_BYTES && bound < 0x1p64)
        vm_text_bytes((uint64_t)bound, out, cap);
    else
        snprintf(out, cap, "%.15g", bound);
}

static bool value_within(const struct vm_param *row, const char *place, const char *text,
                         double value, struct vm_error *e)
{
    VM_ASSERT(row->min <= row->max);
    bool bounded = row->min != 0 || row->max != 0;
    if (!bounded || (value >= row->min && value <= row->max))
        return true;
    char min[32], max[32];
    bound_print(min, sizeof min, row, row->min);
    bound_print(max, sizeof max, row, row->max);
    if (isinf(row->max))
        return vm_fail(e, VM_EUSAGE, "%s: %s is out of range: expected at least %s", place, text,
                       min);
    return vm_fail(e, VM_EUSAGE, "%s: %s is out of range: expected %s to %s", place, text, min,
                   max);
}

#define WORDS_MAX 32

/* The index of `text` among a row's "one|two|three". */
static bool word_parse(const struct vm_param *row, const char *owner, const char *text,
                       uint64_t *out, struct vm_error *e)
{
    char words[256], noun[96];
    const char *known[WORDS_MAX];
    size_t n = 0;
    VM_ASSERT(strlen(row->words) < sizeof words);
    strcpy(words, row->words);
    for (char *rest = words, *word; (word = strsep(&rest, "|"));) {
        VM_ASSERT(n < WORDS_MAX);
        known[n++] = word;
    }
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(known[i], text)) {
            *out = i;
            return true;
        }
    }
    snprintf(noun, sizeof noun, "%s of %s", row->name, owner);
    return vm_fail_unknown(e, noun, text, known, n);
}

/* Give row i its value from `text`, which stays as the echo. */
static bool value_set(struct vm_params *p, size_t i, const char *owner, const char *text,
                      struct vm_error *e)
{
    const struct vm_param *row = &p->table[i];
    struct place place = place_of(owner, row->name);
    if (strlen(text) >= sizeof p->text[i])
        return vm_fail(e, VM_EUSAGE, "%s: value too long: expected at most %zu characters",
                       place.text, sizeof p->text[i] - 1);
    strcpy(p->text[i], text);
    uint64_t *count = &p->value[i].count;
    double *real = &p->value[i].real;
    switch (row->kind) {
    case VM_PARAM_COUNT:
        return vm_parse_count(text, place.text, count, e) &&
               value_within(row, place.text, text, (double)*count, e);
    case VM_PARAM_BYTES:
        return vm_parse_bytes(text, place.text, count, e) &&
               value_within(row, place.text, text, (double)*count, e);
    case VM_PARAM_REAL:
        return vm_parse_real(text, place.text, real, e) &&
               value_within(row, place.text, text, *real, e);
    case VM_PARAM_WORD:
        return word_parse(row, owner, text, count, e);
    case VM_PARAM_TEXT:
        return true;
    }
    VM_ASSERT(!"a kind of enum vm_param_kind");
    return false;
}

static bool key_unknown(const struct vm_params *p, const char *owner, const char *key,
                        struct vm_error *e)
{
    const char *known[VM_PARAMS_MAX];
    char noun[96];
    for (size_t i = 0; i < p->n; i++)
        known[i] = p->table[i].name;
    snprintf(noun, sizeof noun, "parameter of %s", owner);
    return vm_fail_unknown(e, noun, key, known, p->n);
}

/* One "key=value" of length n; given[i] says whether row i had one before. */
static bool pair_parse(struct vm_params *p, const char *owner, const char *pair, size_t n,
                       bool *given, struct vm_error *e)
{
    /* A pair longer than this has a key or a value that is too long; its start is enough to say so.
     */
    char key[160];
    snprintf(key, sizeof key, "%.*s", n < sizeof key ? (int)n : (int)sizeof key - 1, pair);
    char *value = strchr(key, '=');
    if (!value || value == key)
        return vm_fail(e, VM_EUSAGE, "%s: bad parameter \"%s\": expected key=value", owner, key);
    *value++ = '\0';
    size_t i = row_find(p->table, p->n, key);
    if (i == p->n)
        return key_unknown(p, owner, key, e);
    if (given[i])
        return vm_fail(e, VM_EUSAGE, "%s:%s: given twice: expected one value", owner, key);
    given[i] = true;
    return value_set(p, i, owner, value, e);
}

bool vm_params_parse(struct vm_params *out, const char *owner, const struct vm_param *table,
                     size_t n, const char *text, struct vm_error *e)
{
    VM_ASSERT(n <= VM_PARAMS_MAX);
    struct vm_params p = {.table = table, .n = n};
    bool given[VM_PARAMS_MAX] = {false};
    while (text && *text) {
        size_t bytes = strcspn(text, ",");
        if (!pair_parse(&p, owner, text, bytes, given, e))
            return false;
        text += bytes;
        if (*text == ',' && !*++text)
            return vm_fail(e, VM_EUSAGE, "%s: nothing after the last comma: expected key=value",
                           owner);
    }
    for (size_t i = 0; i < n; i++) {
        struct vm_error wrong;
        if (!given[i] && !value_set(&p, i, owner, table[i].fallback, &wrong))
            VM_ASSERT(!"a table's fallbacks are valid");
    }
    *out = p;
    return true;
}

static size_t row_of(const struct vm_params *p, const char *name)
{
    size_t i = row_find(p->table, p->n, name);
    VM_ASSERT(i < p->n);
    return i;
}

uint64_t vm_params_count(const struct vm_params *p, const char *name)
{
    size_t i = row_of(p, name);
    enum vm_param_kind kind = p->table[i].kind;
    VM_ASSERT(kind == VM_PARAM_COUNT || kind == VM_PARAM_BYTES || kind == VM_PARAM_WORD);
    return p->value[i].count;
}

double vm_params_real(const struct vm_params *p, const char *name)
{
    size_t i = row_of(p, name);
    VM_ASSERT(p->table[i].kind == VM_PARAM_REAL);
    return p->value[i].real;
}

const char *vm_params_text(const struct vm_params *p, const char *name)
{
    return p->text[row_of(p, name)];
}

const char *vm_spec_split(const char *spec, char *name, size_t cap)
{
    VM_ASSERT(cap > 0);
    size_t n = strcspn(spec, ":"), kept = n < cap ? n : cap - 1;
    memcpy(name, spec, kept);
    name[kept] = '\0';
    return spec[n] ? spec + n + 1 : spec + n;
}

const char *vm_spec_next(const char *list, char *item, size_t cap)
{
    if (!list || !*list)
        return NULL;
    size_t n = strcspn(list, ",");
    while (list[n] == ',' && memchr(list, ':', n)) {
        size_t word = strcspn(list + n + 1, ",:=");
        if (list[n + 1 + word] != '=')
            break;
        n += 1 + strcspn(list + n + 1, ",");
    }
    snprintf(item, cap, "%.*s", (int)n, list);
    return list[n] ? list + n + 1 : list + n;
}
