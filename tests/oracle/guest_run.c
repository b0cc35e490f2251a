/* guest_run.c - guests in this process: their settings, their streams, their folder. */
#include "oracle/guest_run.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool guests_are_here(void)
{
    char path[4096];
    const char *folder = getenv("PAGODA_GUESTS");
    snprintf(path, sizeof path, "%s/hello", folder ? folder : "");
    return folder && access(path, R_OK) == 0;
}

/* ---- settings ---- */

static void set_option(struct vm_config *c, const char *flag, const char *value)
{
    const struct vm_option *o;
    struct vm_error e;
    for (size_t i = 0; (o = vm_option_at(i)); i++)
        if (!strcmp(o->flag, flag)) {
            bool good = vm_config_set(c, o, value, &e);
            assert(good);
            return;
        }
    assert(!"a flag that there is");
}

static void set(struct vm_run_config *c, const char *flag, const char *value)
{
    if (!strcmp(flag, "model"))
        c->model = !strcmp(value, "none")  ? VM_RUN_NONE
                   : !strcmp(value, "tlb") ? VM_RUN_TLB
                                           : VM_RUN_FULL;
    else if (!strcmp(flag, "sched"))
        c->sched = value;
    else if (!strcmp(flag, "quantum"))
        c->quantum_ns = strtoull(value, NULL, 10) * 1000000;
    else if (!strcmp(flag, "processes"))
        c->processes_max = (uint32_t)strtoul(value, NULL, 10);
    else if (!strcmp(flag, "stack"))
        c->stack_bytes = strtoull(value, NULL, 10);
    else if (!strcmp(flag, "instructions"))
        c->instructions = strtoull(value, NULL, 10);
    else if (!strcmp(flag, "log-refs"))
        c->log_refs = (uint32_t)strtoul(value, NULL, 10);
    else
        set_option(&c->machine, flag, value);
}

/* What `pagoda run` has where nothing else is asked for. */
static void set_defaults(struct vm_run_config *c)
{
    static char *const environment[] = {"LANG=C", NULL};
    *c = (struct vm_run_config){
        .model = VM_RUN_TLB,
        .sched = "rr",
        .tick_ns = 1000000,
        .quantum_ns = 10000000,
        .instruction_ns = 0.4,
        .processes_max = 256,
        .stack_bytes = 8 << 20,
        .root = "/",
        .writable = true,
        .envp = environment,
    };
    vm_config_init(&c->machine);
    set_option(&c->machine, "scheme", "sv39");
}

/* `text` is cut into words, which `c` points into. */
static void set_all(struct vm_run_config *c, char *text)
{
    char *rest, *flag = strtok_r(text, " ", &rest);
    for (; flag; flag = strtok_r(NULL, " ", &rest)) {
        const char *value = strtok_r(NULL, " ", &rest);
        assert(value);
        set(c, flag, value);
    }
}

/* ---- streams ---- */

struct streams {
    int kept[3], output;
};

static void streams_begin(struct streams *s, const char *path)
{
    int nothing = open("/dev/null", O_RDONLY);
    fflush(stdout);
    fflush(stderr);
    s->output = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert(nothing >= 0 && s->output >= 0);
    for (int fd = 0; fd < 3; fd++)
        s->kept[fd] = dup(fd);
    dup2(nothing, 0);
    dup2(s->output, 1);
    dup2(s->output, 2);
    close(nothing);
}

/* What was written, and room for `more` bytes. */
static char *streams_end(struct streams *s, size_t more, size_t *bytes)
{
    struct stat stat;
    for (int fd = 0; fd < 3; fd++) {
        dup2(s->kept[fd], fd);
        close(s->kept[fd]);
    }
    int error = fstat(s->output, &stat);
    assert(!error);
    char *text = calloc(1, (size_t)stat.st_size + more + 1);
    ssize_t got = text ? pread(s->output, text, (size_t)stat.st_size, 0) : -1;
    assert(got == stat.st_size);
    *bytes = (size_t)got;
    close(s->output);
    return text;
}

/* ---- a run ---- */

static void describe_end(struct guest_run *r)
{
    int status = r->result.status;
    char *end = r->output + r->output_bytes;
    if (!r->good)
        sprintf(end, "%.200s\n", r->error.text);
    else if (r->result.ended[0])
        sprintf(end, "ended: %.160s\n", r->result.ended);
    else
        sprintf(end, "status %d\n",
                WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

void guest_run(const char *settings, const char *const *words, struct guest_run *out)
{
    char folder[] = "/tmp/pagoda-guest-XXXXXX", program[4096], output[64], text[512];
    char *argv[16] = {program};
    struct vm_run_config c;
    struct streams streams;
    bool made = mkdtemp(folder);
    assert(made && strlen(settings) < sizeof text);
    if (words[0][0] == '/')
        snprintf(program, sizeof program, "%s", words[0]);
    else
        snprintf(program, sizeof program, "%s/%s", getenv("PAGODA_GUESTS"), words[0]);
    for (size_t i = 1; words[i]; i++)
        argv[i] = (char *)(uintptr_t)words[i];
    snprintf(output, sizeof output, "%s/output", folder);
    set_defaults(&c);
    set_all(&c, strcpy(text, settings));
    c.argv = argv;
    c.cwd = folder;
    *out = (struct guest_run){0};
    streams_begin(&streams, output);
    out->good = vm_kernel_run(&c, &out->result, &out->error);
    out->output = streams_end(&streams, 256, &out->output_bytes);
    describe_end(out);
    unlink(output);
    rmdir(folder);
}

void guest_run_free(struct guest_run *r)
{
    vm_run_result_free(&r->result);
    free(r->output);
}

char *guest_text(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s.txt", getenv("PAGODA_SOURCE"), folder, name);
    FILE *file = fopen(path, "r");
    char *text = file ? calloc(1, 65536) : NULL;
    if (text && fread(text, 1, 65535, file) == 0)
        text[0] = 0;
    if (file)
        fclose(file);
    return text;
}
