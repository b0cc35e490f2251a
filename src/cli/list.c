/* list.c - `pagoda list`: every part that can be named. */
#include "cli/cli.h"
#include "report/json.h"

#include <pagoda/alloc.h>
#include <pagoda/experiment.h>
#include <pagoda/heap.h>
#include <pagoda/kernel.h>
#include <pagoda/live.h>
#include <pagoda/partition.h>
#include <pagoda/readahead.h>
#include <pagoda/sched.h>
#include <pagoda/thrash.h>
#include <string.h>

/* A kind of part: how its rows are found, and how they are shown. */
struct kind {
    const char *name;
    bool (*list)(size_t i, struct vm_listed *out);
    void (*print)(const struct kind *k);
    json_t *(*json)(struct vm_json *j, const struct kind *k);
};

/* Presets as rows like the others'. */
static bool preset_list(size_t i, struct vm_listed *out)
{
    static char summary[256]; /* valid until the next row: rows are printed one at a time */
    if (!preset_at(i))
        return false;
    *out = (struct vm_listed){.name = preset_at(i)->name,
                              .summary = preset_summary(preset_at(i), summary, sizeof summary)};
    return true;
}

static bool vector_list(size_t i, struct vm_listed *out)
{
    static char name[32], summary[256]; /* as above */
    struct vm_vector v;
    if (!vm_kernel_vector(i, &v))
        return false;
    bool interrupt = v.scause >> 63;
    snprintf(name, sizeof name, "%s%llu", interrupt ? "interrupt " : "",
             (unsigned long long)(v.scause << 1 >> 1));
    snprintf(summary, sizeof summary, "%s -> %s: %s", v.name, v.handler, v.outcome);
    *out = (struct vm_listed){.name = name, .summary = summary};
    return true;
}

static bool syscall_list(size_t i, struct vm_listed *out)
{
    static char summary[64]; /* as above */
    uint32_t number;
    const char *name;
    if (!vm_kernel_syscall(i, &number, &name))
        return false;
    snprintf(summary, sizeof summary, "system call %u", number);
    *out = (struct vm_listed){.name = name, .summary = summary};
    return true;
}

/* Options are no parts: they have a place in a machine description, and a default. */
static void print_options(const struct kind *k)
{
    (void)k;
    const struct vm_option *o;
    for (size_t i = 0; (o = vm_option_at(i)); i++) {
        char place[48], text[512];
        int column = printf("  --%-14s", o->flag);
        snprintf(place, sizeof place, "[%s] %s", o->section, o->key);
        column += printf(" %-22s", place);
        snprintf(text, sizeof text, "%s (%s%sdefault %s)", o->help, o->words ? o->words : "",
                 o->words ? "; " : "", o->fallback);
        help_hang(stdout, text, column, column + 1);
    }
}

/* Not by the "s*" of json_pack: that leaves out a member for which memory ran out, too. */
static void put_words(struct vm_json *j, json_t *object, const char *words)
{
    if (words)
        vm_json_put(j, object, "words", json_string(words));
}

static json_t *options_json(struct vm_json *j, const struct kind *k)
{
    (void)k;
    json_t *rows = json_array();
    const struct vm_option *o;
    for (size_t i = 0; (o = vm_option_at(i)); i++) {
        json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", o->flag, "section", o->section,
                                "key", o->key, "default", o->fallback, "summary", o->help);
        put_words(j, row, o->words);
        vm_json_add(j, rows, row);
    }
    return rows;
}

static void print_parts(const struct kind *k)
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

static json_t *params_json(struct vm_json *j, const struct vm_listed *row)
{
    json_t *all = json_array();
    for (size_t p = 0; p < row->nparams; p++) {
        const struct vm_param *q = &row->param[p];
        json_t *param =
            json_pack("{s:s, s:s, s:s}", "name", q->name, "default", q->fallback, "help", q->help);
        put_words(j, param, q->words);
        vm_json_add(j, all, param);
    }
    return all;
}

static json_t *parts_json(struct vm_json *j, const struct kind *k)
{
    json_t *rows = json_array();
    struct vm_listed row;
    for (size_t i = 0; k->list(i, &row); i++)
        vm_json_add(j, rows,
                    json_pack("{s:s, s:s, s:o}", "name", row.name, "summary", row.summary, "params",
                              params_json(j, &row)));
    return rows;
}

static const struct kind kinds[] = {
    {"policies", vm_policy_list, print_parts, parts_json},
    {"schemes", vm_scheme_list, print_parts, parts_json},
    {"formats", vm_format_list, print_parts, parts_json},
    {"workloads", vm_workload_list, print_parts, parts_json},
    {"devices", vm_device_list, print_parts, parts_json},
    {"readaheads", vm_readahead_list, print_parts, parts_json},
    {"allocators", vm_alloc_list, print_parts, parts_json},
    {"storages", vm_partition_list, print_parts, parts_json},
    {"heaps", vm_heap_list, print_parts, parts_json},
    {"schedulers", vm_sched_list, print_parts, parts_json},
    {"admissions", vm_admission_list, print_parts, parts_json},
    {"detections", vm_detection_list, print_parts, parts_json},
    {"stores", vm_store_list, print_parts, parts_json},
    {"experiments", vm_experiment_list, print_parts, parts_json},
    {"vectors", vector_list, print_parts, parts_json},
    {"syscalls", syscall_list, print_parts, parts_json},
    {"presets", preset_list, print_parts, parts_json},
    {"options", NULL, print_options, options_json}, /* its rows are vm_option_at's */
};
#define NKINDS (sizeof kinds / sizeof kinds[0])

static bool print_json(const struct kind *only, struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *root = json_pack("{s:i, s:s, s:s}", "schema", VM_JSON_SCHEMA, "kind", "list", "version",
                             PAGODA_VERSION);
    for (size_t i = 0; i < NKINDS; i++)
        if (!only || only == &kinds[i])
            vm_json_put(&j, root, kinds[i].name, kinds[i].json(&j, &kinds[i]));
    return vm_json_write(stdout, &j, root, e) && stdout_finish(e);
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
        kinds[i].print(&kinds[i]);
    }
    return stdout_finish(e);
}

static const struct flag no_flags[] = {{0}};

const struct command command_list = {
    .name = "list",
    .usage = "[KIND]",
    .summary = "the parts that can be named, with their parameters",
    .about =
        "KIND is policies, schemes, formats, workloads, devices, readaheads, allocators, heaps,\n"
        "schedulers, admissions, detections, stores, experiments, vectors (of traps), syscalls,\n"
        "presets or options; without it, all of them.\n"
        "Parameters follow a name: clock:load=referenced, @zipf:pages=1M,s=0.9. Each is shown\n"
        "with the value that it has if it is not given.",
    .flag = no_flags,
    .machine = MACHINE_FLAGS_NONE,
    .json = JSON_FLAG_TAKEN,
    .run = run_list,
};
