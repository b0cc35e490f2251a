/* progress.c - what the terminal sees beside results: a progress bar, colours, write errors. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH   30
#define INTERVAL_MS 100

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Whether that is a terminal, and one that can do more than print. */
static bool is_screen(int file)
{
    const char *term = getenv("TERM");
    return isatty(file) && term && strcmp(term, "dumb") != 0;
}

void progress_start(struct progress *p)
{
    /* Short work ends before the first bar. */
    *p = (struct progress){.next_ms = now_ms() + 5 * INTERVAL_MS};
}

static void draw(const char *what, double share, const char *refs)
{
    char bar[BAR_WIDTH + 1];
    int full = (int)(share * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR_WIDTH] = 0;
    fprintf(stderr, "\r%s [%s] %3.0f %%  %s references \033[K", what, bar, 100 * share, refs);
}

void progress_report(void *progress, const char *what, const struct vm_trace_info *info,
                     uint64_t refs)
{
    struct progress *p = progress;
    char count[32];
    long long now = now_ms();
    if (now < p->next_ms || !is_screen(STDERR_FILENO))
        return;
    p->next_ms = now + INTERVAL_MS;
    p->shown = true;
    vm_text_count(refs, count, sizeof count);
    double done = (double)info->bytes_done, all = (double)info->bytes_all;
    if (info->refs) {
        done = (double)refs;
        all = (double)info->refs;
    }
    if (all > 0)
        draw(what, done < all ? done / all : 1, count);
    else
        fprintf(stderr, "\r%s  %s references \033[K", what, count);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}

/* https://no-color.org: a variable that is there and not empty. */
static enum vm_colour colour_of(int file)
{
    const char *no = getenv("NO_COLOR");
    return is_screen(file) && !(no && *no) ? VM_COLOUR_ANSI : VM_COLOUR_NONE;
}

enum vm_colour stdout_colour(void)
{
    return colour_of(STDOUT_FILENO);
}

enum vm_colour stderr_colour(void)
{
    return colour_of(STDERR_FILENO);
}

bool stdout_finish(struct vm_error *e)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return vm_fail(e, VM_ESYSTEM, "standard output: %s", strerror(errno));
}
