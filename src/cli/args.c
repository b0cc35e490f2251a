/* args.c - command lines: flags by table, operands, and the machine that flags describe. */
#include "base/assert.h"
#include "cli/cli.h"

#include <errno.h>
#include <pagoda/experiment.h>
#include <stdlib.h>
#include <string.h>

static const struct flag machine_flags[] = {
    {"machine", 'm', "FILE|PRESET", "a machine description to start from (pagoda list presets)",
     NULL},
    {"frames", 'n', "N", "memory of N frames, instead of --memory", NULL},
};
static const struct flag json_flag = {"json", 0, NULL, "print the result as JSON", NULL};
static const struct flag help_flag = {"help", 'h', NULL, "this help", NULL};

const char *option_metavar(const struct vm_option *o)
{
    switch (o->kind) {
    case VM_PARAM_BYTES:
        return "SIZE";
    case VM_PARAM_REAL:
        return "NS";
    case VM_PARAM_COUNT:
        return "N";
    case VM_PARAM_WORD:
        return o->words;
    case VM_PARAM_TEXT:
        return "SPEC";
    }
    VM_ASSERT(!"an option has a kind");
    return NULL;
}

static const char *param_metavar(const struct vm_param *p)
{
    static const char *const words[] = {[VM_PARAM_COUNT] = "N",
                                        [VM_PARAM_BYTES] = "SIZE",
                                        [VM_PARAM_REAL] = "X",
                                        [VM_PARAM_TEXT] = "TEXT"};
    return p->kind == VM_PARAM_WORD ? p->words : words[p->kind];
}

/* Whether an experiment before that one has a parameter with the name. */
static bool param_seen(const char *name, size_t experiment)
{
    for (size_t x = 0; x < experiment; x++)
        for (size_t i = 0; i < vm_experiment_at(x)->nparams; i++)
            if (!strcmp(vm_experiment_at(x)->param[i].name, name))
                return true;
    return false;
}

/* The *i-th of all parameters that experiments have, each name once. False past the end, with their
 * number taken from *i. */
static bool experiment_flag(size_t *i, struct flag *out)
{
    const struct vm_experiment_ops *ops;
    for (size_t x = 0; (ops = vm_experiment_at(x)); x++)
        for (size_t k = 0; k < ops->nparams; k++) {
            const struct vm_param *p = &ops->param[k];
            if (param_seen(p->name, x))
                continue;
            if (*i == 0) {
                *out = (struct flag){p->name, 0, param_metavar(p),
                                     "of experiments that have it: pagoda list experiments", NULL};
                return true;
            }
            --*i;
        }
    return false;
}

/* The *i-th option of a machine for which the command has no flag of its own, or NULL; then *i is
 * less by how many there are. */
static const struct vm_option *other_option(const struct command *c, size_t *i)
{
    const struct vm_option *o;
    for (size_t k = 0; (o = vm_option_at(k)); k++) {
        size_t own = 0;
        while (c->flag[own].name && strcmp(c->flag[own].name, o->flag) != 0)
            own++;
        if (!c->flag[own].name && (*i)-- == 0)
            return o;
    }
    return NULL;
}

bool command_flag(const struct command *c, size_t i, struct flag *out)
{
    size_t own = 0;
    const struct vm_option *o;
    while (c->flag[own].name)
        own++;
    if (i < own) {
        *out = c->flag[i];
        return true;
    }
    i -= own;
    if (c->experiments == EXPERIMENT_FLAGS_TAKEN && experiment_flag(&i, out))
        return true;
    if (c->machine == MACHINE_FLAGS_TAKEN) {
        if (i < 2) {
            *out = machine_flags[i];
            return true;
        }
        i -= 2;
        if ((o = other_option(c, &i))) {
            *out = (struct flag){o->flag, 0, option_metavar(o), o->help, o->fallback};
            return true;
        }
    }
    if (c->json == JSON_FLAG_TAKEN && i-- == 0) {
        *out = json_flag;
        return true;
    }
    *out = help_flag;
    return i == 0;
}

/* Flags of options.def are written with a dash where C has an underscore; nothing else differs. */
static bool flag_named(const char *name, const char *given, size_t n)
{
    return strlen(name) == n && !strncmp(name, given, n);
}

#define KNOWN_MAX 96 /* the options of a machine and of a command */

static bool find_long(const struct command *c, const char *given, size_t n, struct flag *out,
                      struct vm_error *e)
{
    char name[64], dashed[KNOWN_MAX][32];
    const char *known[KNOWN_MAX];
    size_t i = 0;
    for (; command_flag(c, i, out); i++) {
        VM_ASSERT(i < KNOWN_MAX);
        if (flag_named(out->name, given, n))
            return true;
        snprintf(dashed[i], sizeof dashed[i], "--%s", out->name);
        known[i] = dashed[i];
    }
    snprintf(name, sizeof name, "--%.*s", (int)n, given);
    return vm_fail_unknown(e, "option", name, known, i);
}

static bool find_short(const struct command *c, char letter, struct flag *out, struct vm_error *e)
{
    for (size_t i = 0; command_flag(c, i, out); i++)
        if (out->letter && out->letter == letter)
            return true;
    vm_fail(e, VM_EUSAGE, "unknown option \"-%c\"", letter);
    return vm_hint(e, "pagoda help %s lists the options", c->name);
}

static bool add_flag(struct args *a, const struct flag *f, const char *value, struct vm_error *e)
{
    if (a->nflags == ARGS_MAX)
        return vm_fail(e, VM_EUSAGE, "more than %d options", ARGS_MAX);
    a->flag[a->nflags].name = f->name;
    a->flag[a->nflags++].value = value;
    return true;
}

/* argv[*i] is a flag: "--name", "--name=value", "-x". Takes the next word if it needs a value. */
static bool parse_flag(struct args *a, const struct command *c, int argc, char **argv, int *i,
                       struct vm_error *e)
{
    struct flag f;
    const char *word = argv[*i], *value = NULL;
    if (word[1] == '-') {
        size_t n = strcspn(word + 2, "=");
        if (!find_long(c, word + 2, n, &f, e))
            return false;
        value = word[2 + n] ? word + 3 + n : NULL;
    } else if (!find_short(c, word[1], &f, e)) {
        return false;
    } else if (word[2]) {
        value = word + 2;
    }
    if (!f.metavar)
        return value ? vm_fail(e, VM_EUSAGE, "--%s takes no value", f.name)
                     : add_flag(a, &f, NULL, e);
    if (!value && *i + 1 >= argc)
        return vm_fail(e, VM_EUSAGE, "--%s wants a value: %s", f.name, f.help);
    return add_flag(a, &f, value ? value : argv[++*i], e);
}

bool args_parse(struct args *a, const struct command *c, int argc, char **argv, struct vm_error *e)
{
    *a = (struct args){.command = c};
    bool flags = true;
    for (int i = 0; i < argc; i++) {
        if (flags && !strcmp(argv[i], "--")) {
            if (c->dashes == DASHES_PROGRAM) {
                a->rest = argv + i + 1;
                return true;
            }
            flags = false;
        } else if (flags && argv[i][0] == '-' && argv[i][1]) {
            if (!parse_flag(a, c, argc, argv, &i, e))
                return false;
        } else if (a->noperands == ARGS_MAX) {
            return vm_fail(e, VM_EUSAGE, "more than %d operands", ARGS_MAX);
        } else {
            a->operand[a->noperands++] = argv[i];
        }
    }
    return true;
}

const char *args_value(const struct args *a, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < a->nflags; i++)
        if (!strcmp(a->flag[i].name, name))
            value = a->flag[i].value;
    return value;
}

bool args_has(const struct args *a, const char *name)
{
    for (size_t i = 0; i < a->nflags; i++)
        if (!strcmp(a->flag[i].name, name))
            return true;
    return false;
}

const char *args_operand(const struct args *a, const char *what, struct vm_error *e)
{
    if (a->noperands == 1)
        return a->operand[0];
    if (a->noperands == 0) {
        vm_fail(e, VM_EUSAGE, "expected %s", what);
        vm_hint(e, "usage: pagoda %s %s", a->command->name, a->command->usage);
    } else {
        vm_fail(e, VM_EUSAGE, "unexpected \"%s\": expected only %s", a->operand[1], what);
    }
    return NULL;
}

/* ---- the machine ---- */

/* Neither a machine description nor a list of jobs has need of a megabyte. */
char *args_read_text(const char *path, const char *noun, struct vm_error *e)
{
    enum { TEXT_MAX = 1 << 20 };
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(TEXT_MAX) : NULL;
    size_t n = text ? fread(text, 1, TEXT_MAX - 1, f) : 0;
    bool whole = text && !ferror(f) && feof(f) && !memchr(text, 0, n);
    int error = errno;
    if (f)
        fclose(f);
    if (whole) {
        text[n] = 0;
        return text;
    }
    if (text)
        vm_fail(e, VM_EINPUT, "%s: no %s: expected a text of less than 1 MiB", path, noun);
    else
        vm_fail(e, VM_ESYSTEM, "%s: %s", path, strerror(error));
    free(text);
    return NULL;
}

static bool looks_like_path(const char *name)
{
    return strchr(name, '/') || strchr(name, '.');
}

static bool load_machine(struct vm_config *c, const char *name, struct vm_error *e)
{
    const struct preset *p = preset_find(name);
    if (p)
        return vm_config_parse(c, name, p->text, e);
    if (!looks_like_path(name)) {
        const char *known[KNOWN_MAX];
        size_t n = 0;
        for (; preset_at(n) && n < KNOWN_MAX; n++)
            known[n] = preset_at(n)->name;
        return vm_fail_unknown(e, "preset", name, known, n);
    }
    char *text = args_read_text(name, "machine description", e);
    bool good = text && vm_config_parse(c, name, text, e);
    free(text);
    return good;
}

static bool set_frames(struct vm_config *c, const char *text, struct vm_error *e)
{
    uint64_t n;
    if (!vm_parse_count(text, "--frames", &n, e))
        return false;
    if (n > UINT64_MAX / (c->page_bytes ? c->page_bytes : 1))
        return vm_fail(e, VM_EMACHINE, "--frames %s: too many to count their bytes", text);
    c->memory_bytes = n * c->page_bytes;
    return true;
}

static bool is_own_flag(const struct command *c, const char *name)
{
    for (const struct flag *f = c->flag; f && f->name; f++)
        if (strcmp(f->name, name) == 0)
            return true;
    return false;
}

bool args_config(const struct args *a, struct vm_config *out, struct vm_error *e)
{
    vm_config_init(out);
    const char *machine = args_value(a, "machine"), *frames = args_value(a, "frames");
    if (machine && !load_machine(out, machine, e))
        return false;
    for (size_t i = 0; vm_option_at(i); i++) {
        const char *value = args_value(a, vm_option_at(i)->flag);
        if (is_own_flag(a->command, vm_option_at(i)->flag)) /* which means something else there */
            continue;
        if (value && !vm_config_set(out, vm_option_at(i), value, e))
            return false;
    }
    if (frames && args_has(a, "memory"))
        return vm_fail(e, VM_EUSAGE, "--frames and --memory both say how much memory there is");
    return !frames || set_frames(out, frames, e);
}

bool args_trace_options(const struct args *a, struct vm_trace_options *out, struct vm_error *e)
{
    const char *skip = args_value(a, "skip"), *refs = args_value(a, "refs"),
               *seed = args_value(a, "seed");
    *out = (struct vm_trace_options){
        .format = args_value(a, "format"),
        .seed = 1,
        .damage = args_has(a, "salvage") ? VM_DAMAGE_SKIPPED : VM_DAMAGE_FAILS,
    };
    return (!skip || vm_parse_count(skip, "--skip", &out->skip, e)) &&
           (!refs || vm_parse_count(refs, "--refs", &out->limit, e)) &&
           (!seed || vm_parse_count(seed, "--seed", &out->seed, e));
}

bool args_workers(const struct args *a, unsigned *out, struct vm_error *e)
{
    const char *text = args_value(a, "workers");
    uint64_t n = 0;
    if (text && !vm_parse_count(text, "--workers", &n, e))
        return false;
    if (text && (n < 1 || n > 256))
        return vm_fail(e, VM_EUSAGE, "--workers %s: expected 1 to 256", text);
    *out = (unsigned)n;
    return true;
}

bool args_page_sizes(const char *list, uint64_t *out, size_t most, size_t *n, struct vm_error *e)
{
    char item[64];
    *n = 0;
    while ((list = vm_spec_next(list, item, sizeof item))) {
        if (*n == most)
            return vm_fail(e, VM_EUSAGE, "--pages: more than %zu page sizes", most);
        if (!vm_parse_bytes(item, "--pages", &out[(*n)++], e))
            return false;
    }
    return *n || vm_fail(e, VM_EUSAGE, "--pages: no page size: expected 4KiB,64KiB,...");
}

bool args_show(const struct args *a, struct vm_error *e)
{
    static const char *const sections[] = {"frames"};
    const char *section = args_value(a, "show");
    return !section || !strcmp(section, sections[0]) ||
           vm_fail_unknown(e, "section", section, sections, 1);
}
