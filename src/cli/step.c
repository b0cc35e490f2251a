/* step.c - `pagoda step`: walk a trace reference by reference, on and back.
 *
 * On a terminal keys are commands and the story stands on a screen, which scrolls; else commands
 * are read one a line and stories printed one after the other. Both are the same commands on the
 * same cursor.
 */
#include "cli/cli.h"
#include "cli/keys.h"

#include <ctype.h>
#include <pagoda/story.h>
#include <stdlib.h>
#include <string.h>

struct stepper {
    struct vm_cursor *cursor;
    struct keys keys;
    uint64_t refs; /* of the trace; 0: not known */
    char say[400]; /* what the last command has to say; "" */
    unsigned top;  /* the screen's first line of the story */
    bool ended;
};

enum verdict { GOES_ON, FAILS };

static const char help[] = "n or Enter  the next reference          f  the next fault\n"
                           "b           the one before              e  the next eviction\n"
                           "g N         reference N                 t  the next TLB miss\n"
                           "j k         scroll down and up          q  quit\n";

/* ---- commands ---- */

/* A reference that is not there is no reason to end. */
static enum verdict go(struct stepper *s, uint64_t ref, struct vm_error *e)
{
    if (vm_cursor_go(s->cursor, ref, e))
        return GOES_ON;
    if (e->code != VM_EUSAGE)
        return FAILS;
    snprintf(s->say, sizeof s->say, "%s", e->text);
    return GOES_ON;
}

static enum verdict seek(struct stepper *s, enum vm_sought what, const char *name,
                         struct vm_error *e)
{
    bool found;
    if (!vm_cursor_seek(s->cursor, what, &found, e))
        return FAILS;
    if (!found)
        snprintf(s->say, sizeof s->say, "no further %s", name);
    return GOES_ON;
}

static enum verdict go_to(struct stepper *s, const char *number, struct vm_error *e)
{
    uint64_t ref;
    while (isspace((unsigned char)*number))
        number++;
    if (vm_parse_count(number, "g", &ref, e) && ref > 0)
        return go(s, ref, e);
    snprintf(s->say, sizeof s->say, "g %s: expected a reference's number, from 1", number);
    return GOES_ON;
}

static enum verdict go_back(struct stepper *s, struct vm_error *e)
{
    uint64_t at = vm_cursor_at(s->cursor);
    if (at > 1)
        return go(s, at - 1, e);
    snprintf(s->say, sizeof s->say, "this is the first reference");
    return GOES_ON;
}

/* One command as it stands in a line; a key makes a line of its own. */
static enum verdict obey(struct stepper *s, const char *line, struct vm_error *e)
{
    switch (line[0]) {
    case 0:
    case 'n':
        return go(s, vm_cursor_at(s->cursor) + 1, e);
    case 'b':
        return go_back(s, e);
    case 'g':
        return go_to(s, line + 1, e);
    case 'f':
        return seek(s, VM_SOUGHT_FAULT, "fault", e);
    case 'e':
        return seek(s, VM_SOUGHT_EVICTION, "eviction", e);
    case 't':
        return seek(s, VM_SOUGHT_TLB_MISS, "TLB miss", e);
    case 'q':
        s->ended = true;
        return GOES_ON;
    case 'h':
        snprintf(s->say, sizeof s->say, "%s", help);
        return GOES_ON;
    default:
        snprintf(s->say, sizeof s->say, "no command \"%.20s\"; h lists them", line);
        return GOES_ON;
    }
}

/* ---- lines ---- */

static bool step_by_lines(struct stepper *s, struct vm_error *e)
{
    char line[80];
    uint64_t shown = 0;
    while (!s->ended) {
        if (*s->say)
            printf("%s\n", s->say);
        if (vm_cursor_at(s->cursor) != shown) {
            if (shown)
                puts("");
            if (!vm_report_story_text(stdout, vm_cursor_story(s->cursor), stdout_colour(), e))
                return false;
        }
        shown = vm_cursor_at(s->cursor);
        fflush(stdout);
        *s->say = 0;
        if (!fgets(line, sizeof line, stdin))
            break;
        line[strcspn(line, "\n")] = 0;
        if (obey(s, line, e) == FAILS)
            return false;
    }
    return stdout_finish(e);
}

/* ---- the screen ---- */

/* The story as text, to be freed. */
static char *story_text(const struct stepper *s, struct vm_error *e)
{
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    if (!f) {
        vm_fail(e, VM_ESYSTEM, "no memory for a screen");
        return NULL;
    }
    bool good = vm_report_story_text(f, vm_cursor_story(s->cursor), stdout_colour(), e);
    if (fclose(f) == 0 && good)
        return text;
    free(text);
    return NULL;
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* `n` lines from line `top` on. */
static void draw_lines(const char *text, unsigned top, unsigned n)
{
    for (; top > 0; top--)
        text = strchr(text, '\n') + 1;
    for (; n > 0 && *text; n--) {
        size_t length = strcspn(text, "\n");
        printf("%.*s\033[0m\033[K\n", (int)length, text);
        text += length + 1;
    }
}

static bool draw(struct stepper *s, struct vm_error *e)
{
    unsigned lines, columns;
    char *text = story_text(s, e), count[32];
    if (!text)
        return false;
    keys_size(&lines, &columns);
    unsigned said = count_lines(s->say) + 2, room = lines > said ? lines - said : 1;
    unsigned all = count_lines(text), most = all > room ? all - room : 0;
    s->top = s->top < most ? s->top : most;
    fputs("\033[H\033[J", stdout);
    draw_lines(text, s->top, room);
    printf("%s\n\033[7m %s ", s->say, vm_text_count(vm_cursor_at(s->cursor), count, sizeof count));
    if (s->refs)
        printf("of %s ", vm_text_count(s->refs, count, sizeof count));
    printf(" n on  b back  g go to  f fault  e eviction  t TLB miss  h help  q quit%s \033[0m",
           most ? "  j k scroll" : "");
    free(text);
    return true;
}

/* A number at the screen's bottom, of at most `cap` characters; false: it was given up. */
static bool ask_number(char *out, size_t cap)
{
    size_t n = 0;
    for (;;) {
        out[n] = 0;
        printf("\r\033[K go to reference: %s", out);
        int key = keys_read();
        if (key == '\n' || key == '\r')
            return n > 0;
        if (key == KEY_ESCAPE || key == KEY_INTERRUPT || key == KEY_END)
            return false;
        if ((key == KEY_BACKSPACE || key == '\b') && n > 0)
            n--;
        else if (key < 128 && isalnum(key) && n + 1 < cap)
            out[n++] = (char)key;
    }
}

/* Whether the key only moves what is seen. */
static bool scrolls(struct stepper *s, int key)
{
    unsigned lines, columns;
    keys_size(&lines, &columns);
    unsigned page = lines > 4 ? lines - 4 : 1;
    if (key == 'j' || key == KEY_DOWN)
        s->top++;
    else if (key == 'k' || key == KEY_UP)
        s->top -= s->top > 0;
    else if (key == KEY_PAGE_DOWN || key == ' ')
        s->top += page;
    else if (key == KEY_PAGE_UP)
        s->top -= s->top > page ? page : s->top;
    else
        return false;
    return true;
}

static enum verdict obey_key(struct stepper *s, int key, struct vm_error *e)
{
    char line[32] = {0};
    if (key == KEY_END || key == KEY_INTERRUPT) {
        s->ended = true;
        return GOES_ON;
    }
    if (scrolls(s, key) || key == KEY_OTHER || key == KEY_ESCAPE)
        return GOES_ON;
    line[0] = key == '\n' || key == '\r' ? 'n' : (char)key;
    if (key == 'g' && !ask_number(line + 1, sizeof line - 1))
        return GOES_ON;
    s->top = 0;
    return obey(s, line, e);
}

static bool step_by_keys(struct stepper *s, struct vm_error *e)
{
    while (!s->ended) {
        if (!draw(s, e))
            return false;
        *s->say = 0;
        if (obey_key(s, keys_read(), e) == FAILS)
            return false;
    }
    return true;
}

/* ---- the command ---- */

static bool step_trace(struct stepper *s, const char *at, struct vm_error *e)
{
    uint64_t ref = 1;
    struct vm_trace_info info;
    if (at && !vm_parse_count(at, "--at", &ref, e))
        return false;
    if (ref == 0)
        return vm_fail(e, VM_EUSAGE, "--at 0: references are counted from 1");
    if (!vm_cursor_go(s->cursor, ref, e))
        return false;
    vm_cursor_info(s->cursor, &info);
    s->refs = info.refs;
    keys_open(&s->keys);
    bool done = s->keys.screen ? step_by_keys(s, e) : step_by_lines(s, e);
    keys_close(&s->keys);
    return done && stdout_finish(e);
}

static bool run_step(const struct args *a, struct vm_error *e)
{
    struct vm_config config;
    struct vm_trace_options options;
    struct vm_source source = {.spec = args_operand(a, "a trace: a file or @WORKLOAD", e),
                               .options = &options};
    if (!source.spec || !args_config(a, &config, e) || !args_trace_options(a, &options, e))
        return false;
    if (!strcmp(source.spec, "-"))
        return vm_fail(e, VM_EUSAGE, "standard input has the commands: expected a trace in a file");
    options.seed = config.seed;
    struct stepper s = {.cursor = vm_cursor_open(&config, &source, NULL, e)};
    bool done = s.cursor && step_trace(&s, args_value(a, "at"), e);
    vm_cursor_close(s.cursor);
    return done;
}

static const struct flag flags[] = {
    {"at", 0, "N", "the reference to begin at, from 1", "1"}, TRACE_FLAGS, {0}};

const struct command command_step = {
    .name = "step",
    .usage = "TRACE [OPTION ...]",
    .summary = "walk a trace reference by reference, on and back, and see what each one changes",
    .about = "Each reference is told as by `pagoda explain`. On a terminal a key is a command;\n"
             "otherwise commands are read from standard input, one a line:\n\n"
             "  n, Enter  the next reference        f  the next fault\n"
             "  b         the one before            e  the next eviction\n"
             "  g N       reference N               t  the next TLB miss\n"
             "  q         quit                      h  these commands\n\n"
             "  pagoda step ls.pgt --machine textbook --frames 8\n"
             "  printf 'f\\nf\\ne\\n' | pagoda step ls.pgt --frames 64",
    .flag = flags,
    .machine = MACHINE_FLAGS_TAKEN,
    .run = run_step,
};
