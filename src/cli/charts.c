/* charts.c - see charts.h. A file is made in memory and appears when it is complete. */
#include "cli/charts.h"

#include "base/sink.h"
#include "cli/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 160 /* a wider picture shows no more */

/* What goes into one file. */
struct sheet {
    const char *title;
    const struct vm_chart *chart; /* [n] */
    size_t n;
};

static bool put_csv(FILE *out, const struct sheet *s, struct vm_error *e)
{
    return vm_report_chart_csv(out, s->chart, e);
}

static bool put_svg(FILE *out, const struct sheet *s, struct vm_error *e)
{
    return vm_report_chart_svg(out, s->chart, e);
}

static bool put_png(FILE *out, const struct sheet *s, struct vm_error *e)
{
    return vm_report_chart_png(out, s->chart, e);
}

static bool put_html(FILE *out, const struct sheet *s, struct vm_error *e)
{
    return vm_report_charts_html(out, s->title, s->chart, s->n, e);
}

enum files { FILES_FOR_EACH, FILES_FOR_ALL };
static const struct {
    const char *flag;
    enum files files; /* one for each chart, or for all of them */
    bool (*put)(FILE *out, const struct sheet *s, struct vm_error *e);
} kinds[] = {
    {"csv", FILES_FOR_EACH, put_csv},
    {"svg", FILES_FOR_EACH, put_svg},
    {"png", FILES_FOR_EACH, put_png},
    {"html", FILES_FOR_ALL, put_html},
};
#define NKINDS (sizeof kinds / sizeof kinds[0])

bool charts_asked(const struct args *a)
{
    for (size_t i = 0; i < NKINDS; i++)
        if (args_has(a, kinds[i].flag))
            return true;
    return false;
}

/* `path`; of several charts, with this one's name before its ending. To be freed, or NULL. */
static char *path_of(const char *path, const struct vm_chart *c, size_t n)
{
    const char *last = strrchr(path, '/'), *end = strrchr(path, '.');
    char *out = NULL;
    if (n == 1 || !strcmp(path, "-"))
        return strdup(path);
    if (!end || (last && end < last) || end == path)
        end = path + strlen(path);
    int made = asprintf(&out, "%.*s-%s%s", (int)(end - path), path, c->name, end);
    return made < 0 ? NULL : out;
}

static bool save(const char *path, const char *text, size_t bytes, struct vm_error *e)
{
    struct vm_sink *s = vm_sink_open(path, e);
    if (s && !vm_sink_write(s, text, bytes, e)) {
        vm_sink_abort(s);
        return false;
    }
    return s && vm_sink_commit(s, e);
}

static bool write_sheet(size_t kind, const char *path, const struct sheet *sheet,
                        struct vm_error *e)
{
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    if (!f)
        return vm_fail(e, VM_ESYSTEM, "%s: %s", path, strerror(errno));
    bool good = kinds[kind].put(f, sheet, e);
    /* glibc closes a stream that found no memory without a complaint, and without a text. */
    if ((fclose(f) != 0 || !text) && good)
        good = vm_fail(e, VM_ESYSTEM, "%s: %s", path, strerror(errno));
    good = good && save(path, text, bytes, e);
    free(text);
    return good;
}

static bool write_each(size_t kind, const char *path, const struct sheet *all, struct vm_error *e)
{
    for (size_t i = 0; i < all->n; i++) {
        struct sheet one = {all->title, &all->chart[i], 1};
        char *own = path_of(path, one.chart, all->n);
        bool good = own ? write_sheet(kind, own, &one, e)
                        : vm_fail(e, VM_ESYSTEM, "%s: no memory for a file's name", path);
        free(own);
        if (!good)
            return false;
    }
    return true;
}

bool charts_write(const struct args *a, const char *title, const struct vm_chart *c, size_t n,
                  struct vm_error *e)
{
    const struct sheet all = {title, c, n};
    for (size_t i = 0; i < NKINDS; i++) {
        const char *path = args_value(a, kinds[i].flag);
        if (path && !(kinds[i].files == FILES_FOR_EACH ? write_each(i, path, &all, e)
                                                       : write_sheet(i, path, &all, e)))
            return false;
    }
    return true;
}

bool charts_print(const struct vm_chart *c, size_t n, struct vm_error *e)
{
    unsigned lines, columns;
    keys_size(&lines, &columns);
    for (size_t i = 0; i < n; i++) {
        if (i)
            putchar('\n');
        if (!vm_report_chart_text(stdout, &c[i], columns < COLUMNS_MAX ? columns : COLUMNS_MAX,
                                  stdout_colour(), e))
            return false;
    }
    return stdout_finish(e);
}
