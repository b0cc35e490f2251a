/* list.c - `pagoda list`: every part that can be named. */
#include "cli/cli.h"

#include <jansson.h>
#include <string.h>

/* Presets and options as rows like the others'. */
static bool preset_list(size_t i, struct vm_listed *out)
{
    static char summary[256]; /* valid until the next row: rows are printed one at a time */
    if (!preset_at(i))
        return false;
    *out = (struct vm_listed){.name = preset_at(i)->name,
                              .summary = preset_summary(preset_at(i), summary, sizeof summary)};
    return true;
}

static bool option_list(size_t i, struct vm_listed *out)
{
    if (!vm_option_at(i))
        return false;
    *out = (struct vm_listed){.name = vm_option_at(i)->flag, .summary = vm_option_at(i)->help};
    return true;
}

static const struct kind {
    const char *name;
    bool (*list)(size_t i, struct vm_listed *out);
} kinds[] = {
    {"policies", vm_policy_list},   {"schemes", vm_scheme_list},
    {"formats", vm_format_list},    {"workloads", vm_workload_list},
    {"devices", vm_device_list},    {"presets", preset_list},
    {"options", option_list},
};
#define NKINDS (sizeof kinds / sizeof kinds[0])

static void print_kind(const struct kind *k)
{
    struct vm_listed row;
    for (size_t i = 0; k->list(i, &row); i++) {
        printf("  %-16s %s\n", row.name, row.summary);
        for (size_t p = 0; p < row.nparams; p++) {
            const struct vm_param *q = &row.param[p];
            char value[80];
            snprintf(value, sizeof value, "%s=%s", q->name, q->fallback);
            printf("      %-20s %s%s%s%s\n", value, q->help, q->words ? " (" : "",
                   q->words ? q->words : "", q->words ? ")" : "");
        }
    }
}

static json_t *params_json(const struct vm_listed *row)
{
    json_t *all = json_array();
    for (size_t p = 0; p < row->nparams; p++)
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s*}", "name", row->param[p].name,
                                             "default", row->param[p].fallback, "help",
                                             row->param[p].help, "words", row->param[p].words));
    return all;
}

static json_t *kind_json(const struct kind *k)
{
    json_t *rows = json_array();
    struct vm_listed row;
    for (size_t i = 0; k->list(i, &row); i++)
        json_array_append_new(rows, json_pack("{s:s, s:s, s:o}", "name", row.name, "summary",
                                              row.summary, "params", params_json(&row)));
    return rows;
}

static bool print_json(const struct kind *only, struct vm_error *e)
{
    json_t *root = json_pack("{s:i, s:s}", "schema", VM_JSON_SCHEMA, "kind", "list");
    for (size_t i = 0; i < NKINDS; i++)
        if (!only || only == &kinds[i])
            json_object_set_new(root, kinds[i].name, kind_json(&kinds[i]));
    bool good = root && json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(root);
    return good ? stdout_finish(e) : vm_fail(e, VM_ESYSTEM, "cannot write the JSON report");
}

static const struct kind *find_kind(const char *name, struct vm_error *e)
{
    const char *known[NKINDS];
    for (size_t i = 0; i < NKINDS; i++) {
        if (!strcmp(kinds[i].name, name))
            return &kinds[i];
        known[i] = kinds[i].name;
    }
    vm_fail_unknown(e, "kind of part", name, known, NKINDS);
    return NULL;
}

static bool run_list(const struct args *a, struct vm_error *e)
{
    const struct kind *only = NULL;
    if (a->noperands) {
        const char *name = args_operand(a, "one kind of part", e);
        if (!name || !(only = find_kind(name, e)))
            return false;
    }
    if (args_has(a, "json"))
        return print_json(only, e);
    for (size_t i = 0; i < NKINDS; i++) {
        if (only && only != &kinds[i])
            continue;
        if (!only)
            printf("%s%s\n", i ? "\n" : "", kinds[i].name);
        print_kind(&kinds[i]);
    }
    return stdout_finish(e);
}

static const struct flag no_flags[] = {{0}};

const struct command command_list = {
    .name = "list",
    .usage = "[policies|schemes|formats|workloads|devices|presets|options]",
    .summary = "the parts that can be named, with their parameters",
    .about = "Parameters follow a name: clock:load=referenced, zipf:pages=1M,s=0.9.",
    .flag = no_flags,
    .machine = MACHINE_FLAGS_NONE,
    .run = run_list,
};
