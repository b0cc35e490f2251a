/* show.c - `pagoda show`: a machine description as it stands in machines/. */
#include "cli/cli.h"

static bool run_show(const struct args *a, struct vm_error *e)
{
    const char *known[128];
    size_t n = 0;
    const char *name = args_operand(a, "a preset's name", e);
    if (!name)
        return false;
    for (; preset_at(n) && n < 128; n++)
        known[n] = preset_at(n)->name;
    if (!preset_find(name))
        return vm_fail_unknown(e, "preset", name, known, n);
    fputs(preset_find(name)->text, stdout);
    return stdout_finish(e);
}

static const struct flag no_flags[] = {{0}};

const struct command command_show = {
    .name = "show",
    .usage = "PRESET",
    .summary = "print a machine description",
    .about = "Save it to a file, change it, and give the file to --machine.",
    .flag = no_flags,
    .machine = MACHINE_FLAGS_NONE,
    .run = run_show,
};
