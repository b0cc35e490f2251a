/* config.c - a machine's configuration as a table of options: from text, to text, from an INI file.
 */
#include "base/assert.h"

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
    memset(c, 0, sizeof *c); /* padding too: configurations are compared and hashed as bytes */
    for (size_t i = 0; i < NOPTIONS; i++) {
        bool good = vm_config_set(c, &options[i], options[i].fallback, &e);
        VM_ASSERT(good);
    }
}

/* A WORD's value is parsed as a one-row parameter table would: same words, same messages. */
static bool set_word(const struct vm_option *o, const char *text, uint64_t *out, struct vm_error *e)
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
    return vm_fail_unknown(e, o->flag, text, known, n);
}

static bool set_text(const struct vm_option *o, const char *text, char *out, struct vm_error *e)
{
    if (strlen(text) >= VM_CONFIG_TEXT)
        return vm_fail(e, VM_EUSAGE, "%s of %zu characters: expected at most %d", o->flag,
                       strlen(text), VM_CONFIG_TEXT - 1);
    memset(out, 0, VM_CONFIG_TEXT);
    strcpy(out, text);
    return true;
}

static bool set_real(const struct vm_option *o, const char *text, double *out, struct vm_error *e)
{
    double value;
    if (!vm_parse_real(text, o->flag, &value, e))
        return false;
    if (!(value >= 0 && value <= 1e12))
        return vm_fail(e, VM_EUSAGE, "%s %s: expected 0 to 1e12", o->flag, text);
    *out = value;
    return true;
}

bool vm_config_set(struct vm_config *c, const struct vm_option *o, const char *text,
                   struct vm_error *e)
{
    void *field = (char *)c + o->offset;
    switch (o->kind) {
    case VM_PARAM_BYTES:
        return vm_parse_bytes(text, o->flag, field, e);
    case VM_PARAM_COUNT:
        return vm_parse_count(text, o->flag, field, e);
    case VM_PARAM_REAL:
        return set_real(o, text, field, e);
    case VM_PARAM_WORD:
        return set_word(o, text, field, e);
    case VM_PARAM_TEXT:
        return set_text(o, text, field, e);
    }
    VM_ASSERT(!"an option has a kind");
    return false;
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

/* ---- INI ---- */

struct reading {
    struct vm_config config;
    struct vm_error error;
    bool failed;
};

/* An unknown section, or an unknown key of a known one; options of a section stand together. */
static bool fail_name(struct vm_error *e, const char *section, const char *key)
{
    const char *sections[NOPTIONS], *keys[NOPTIONS];
    size_t nsections = 0, nkeys = 0;
    for (size_t i = 0; i < NOPTIONS; i++) {
        if (i == 0 || strcmp(options[i].section, options[i - 1].section) != 0)
            sections[nsections++] = options[i].section;
        if (!strcmp(options[i].section, section))
            keys[nkeys++] = options[i].key;
    }
    if (!nkeys)
        return vm_fail_unknown(e, "section", section, sections, nsections);
    char noun[64];
    snprintf(noun, sizeof noun, "key of section [%.32s]", section);
    return vm_fail_unknown(e, noun, key, keys, nkeys);
}

static int ini_entry(void *user, const char *section, const char *key, const char *value)
{
    struct reading *r = user;
    if (r->failed)
        return 0;
    for (size_t i = 0; i < NOPTIONS; i++)
        if (!strcmp(options[i].section, section) && !strcmp(options[i].key, key)) {
            r->failed = !vm_config_set(&r->config, &options[i], value, &r->error);
            return !r->failed;
        }
    r->failed = true;
    fail_name(&r->error, section, key);
    return 0;
}

static int ini_accept(void *user, const char *section, const char *key, const char *value)
{
    (void)user, (void)section, (void)key, (void)value;
    return 1;
}

#define LINE_BYTES 198 /* what libinih's buffer of a line takes beside a newline and the end */

/* libinih would read the rest of a long line as another one. A comment's is left out here; other
 * lines are not too long (check_lines). */
static char *ini_line(char *out, int cap, void *stream)
{
    const char **text = stream, *line = *text;
    size_t n = strcspn(line, "\n"), kept = n < LINE_BYTES ? n : LINE_BYTES;
    VM_ASSERT(cap >= LINE_BYTES + 2);
    if (!*line)
        return NULL;
    memcpy(out, line, kept);
    out[kept] = '\n';
    out[kept + 1] = 0;
    *text = line + n + (line[n] == '\n');
    return out;
}

static bool check_lines(const char *name, const char *text, struct vm_error *e)
{
    for (unsigned line = 1; *text; line++) {
        size_t n = strcspn(text, "\n");
        char first = text[strspn(text, " \t")];
        if (n > LINE_BYTES && first != ';' && first != '#')
            return vm_fail(e, VM_EUSAGE, "%s:%u: a line of %zu characters: expected at most %d",
                           name, line, n, LINE_BYTES);
        text += n + (text[n] == '\n');
    }
    return true;
}

bool vm_config_parse(struct vm_config *c, const char *name, const char *text, struct vm_error *e)
{
    struct reading r = {.config = *c};
    const char *first = text, *second = text;
    if (!check_lines(name, text, e))
        return false;
    /* libinih tells the line of the first mistake, but not whether it is its own or ini_entry's. */
    int unreadable = ini_parse_stream(ini_line, &first, ini_accept, NULL);
    int line = ini_parse_stream(ini_line, &second, ini_entry, &r);
    if (unreadable < 0 || line < 0)
        return vm_fail(e, VM_ESYSTEM, "%s: no memory to read it", name);
    if (line > 0 && line == unreadable)
        return vm_fail(e, VM_EUSAGE,
                       "%s:%d: cannot be read: expected \"[section]\", \"key = value\" or a "
                       "comment after ;",
                       name, line);
    if (r.failed) {
        vm_fail(e, r.error.code, "%s:%d: %s", name, line, r.error.text);
        memcpy(e->hint, r.error.hint, sizeof e->hint);
        return false;
    }
    *c = r.config;
    return true;
}
