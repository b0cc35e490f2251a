/* main.c - the program: finds the command, runs it, says what went wrong, exits by kind. */
#include "cli/cli.h"

#include <string.h>

#define COMMAND(name) extern const struct command command_##name;
#include "cli/commands.def"
#undef COMMAND

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "cli/commands.def"
#undef COMMAND
};
#define NCOMMANDS (sizeof commands / sizeof commands[0])

const struct command *command_at(size_t i)
{
    return i < NCOMMANDS ? commands[i] : NULL;
}

const struct command *command_find(const char *name, struct vm_error *e)
{
    const char *known[NCOMMANDS];
    for (size_t i = 0; i < NCOMMANDS; i++) {
        if (!strcmp(commands[i]->name, name))
            return commands[i];
        known[i] = commands[i]->name;
    }
    vm_fail_unknown(e, "command", name, known, NCOMMANDS);
    return NULL;
}

static int complain(const struct vm_error *e)
{
    bool colour = stderr_colour() == VM_COLOUR_ANSI;
    fprintf(stderr, "%spagoda:%s %s\n", colour ? "\033[31m" : "", colour ? "\033[0m" : "", e->text);
    if (*e->hint)
        fprintf(stderr, "hint: %s\n", e->hint);
    return (int)e->code;
}

static int run_command(const struct command *c, int argc, char **argv)
{
    struct args a;
    struct vm_error e = {0};
    if (!args_parse(&a, c, argc, argv, &e))
        return complain(&e);
    if (args_has(&a, "help")) {
        help_command(stdout, c);
        return stdout_finish(&e) ? 0 : complain(&e);
    }
    int status = 0;
    a.status = &status;
    return c->run(&a, &e) ? status : complain(&e);
}

int main(int argc, char **argv)
{
    struct vm_error e = {0};
    if (argc < 2) {
        help_all(stderr);
        return VM_EUSAGE;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("pagoda " PAGODA_VERSION);
        return stdout_finish(&e) ? 0 : complain(&e);
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        help_all(stdout);
        return stdout_finish(&e) ? 0 : complain(&e);
    }
    const struct command *c = command_find(argv[1], &e);
    return c ? run_command(c, argc - 2, argv + 2) : complain(&e);
}
