/* csv.c - comma-separated values with a header row that names the columns.
 *
 *     time,address,access,size
 *     12,0x7ffd3c2e8b40,R,8
 *
 * Which columns matter is told by parameters, or found by usual names; only the address must be
 * there. Without an access a reference reads, without a size it is of 1 byte. Fields may be in
 * double quotes (RFC 4180), but not run over lines. Blank lines and # lines are passed over.
 */
#include "trace/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum csv_column { COLUMN_ADDRESS, COLUMN_ACCESS, COLUMN_SIZE, CSV_COLUMNS };
enum csv_radix { RADIX_AUTO, RADIX_HEX, RADIX_DECIMAL };

static const struct vm_param csv_params[] = {
    {.name = "address", .kind = VM_PARAM_TEXT, .fallback = "auto", .help = "the address column"},
    {.name = "access", .kind = VM_PARAM_TEXT, .fallback = "auto", .help = "the access column"},
    {.name = "size", .kind = VM_PARAM_TEXT, .fallback = "auto", .help = "the size column"},
    {.name = "radix",
     .kind = VM_PARAM_WORD,
     .fallback = "auto",
     .words = "auto|hex|decimal",
     .help = "of addresses; auto: hex after 0x, else decimal"},
};

/* The usual names of a column, ended by NULL. */
static const char *const usual[CSV_COLUMNS][8] = {
    [COLUMN_ADDRESS] = {"address", "addr", "va", "vaddr", "virtual_address"},
    [COLUMN_ACCESS] = {"access", "op", "type", "rw", "kind", "operation"},
    [COLUMN_SIZE] = {"size", "bytes", "len", "length"},
};

struct csv {
    struct vm_reader reader;
    char name[CSV_COLUMNS][64]; /* as the user gave it, or "auto" */
    enum csv_radix radix;
    bool headed;             /* the header row has been read */
    int column[CSV_COLUMNS]; /* where it is, -1: nowhere */
    int ncolumns;            /* that a row must have at least */
};

struct field {
    const uint8_t *text;
    size_t n;
};

/* The field at p: past it, at its comma or line end. */
static const uint8_t *next_field(const uint8_t *p, struct field *out)
{
    p = vm_text_blanks(p);
    bool quoted = *p == '"';
    const uint8_t *start = p += quoted, *end;
    if (quoted) {
        while (*p != '\n' && (*p != '"' || p[1] == '"'))
            p += *p == '"' ? 2 : 1;
        end = p;
    }
    while (*p != ',' && *p != '\n')
        p++;
    for (end = quoted ? end : p; end > start && strchr(" \t\r", end[-1]); end--)
        ;
    *out = (struct field){start, (size_t)(end - start)};
    return p;
}

/* `word` is in lower case, the field in any. */
static bool field_is(const struct field *f, const char *word)
{
    size_t i = 0;
    while (i < f->n && word[i] && tolower(f->text[i]) == word[i])
        i++;
    return i == f->n && !word[i];
}

static bool field_names(const struct field *f, const struct csv *s, enum csv_column c)
{
    if (strcmp(s->name[c], "auto"))
        return strlen(s->name[c]) == f->n && !memcmp(f->text, s->name[c], f->n);
    for (const char *const *name = usual[c]; *name; name++)
        if (field_is(f, *name))
            return true;
    return false;
}

static bool no_column(const struct csv *s, enum csv_column c, struct vm_error *e)
{
    bool given = strcmp(s->name[c], "auto");
    return vm_fail(e, VM_EINPUT, "%s:%" PRIu64 ": no column \"%s\": expected it in the header row",
                   vm_bytes_name(s->reader.bytes), s->reader.line,
                   given ? s->name[c] : usual[c][0]);
}

static const uint8_t *parse_header(struct csv *s, const uint8_t *p, struct vm_error *e)
{
    struct field f;
    for (int c = 0; c < CSV_COLUMNS; c++)
        s->column[c] = -1;
    int ncolumns = 0;
    for (;; p++) {
        p = next_field(p, &f);
        for (int c = 0; c < CSV_COLUMNS; c++)
            if (s->column[c] < 0 && field_names(&f, s, (enum csv_column)c)) {
                s->column[c] = ncolumns;
                s->ncolumns = ncolumns + 1;
            }
        ncolumns++;
        if (*p == '\n')
            break;
    }
    for (int c = 0; c < CSV_COLUMNS; c++)
        if (s->column[c] < 0 && (c == COLUMN_ADDRESS || strcmp(s->name[c], "auto"))) {
            no_column(s, (enum csv_column)c, e);
            return NULL;
        }
    s->headed = true;
    return p + 1;
}

static bool field_number(const struct field *f, enum csv_radix radix, uint64_t *out)
{
    const uint8_t *end = radix == RADIX_HEX       ? vm_text_hex(f->text, out)
                         : radix == RADIX_DECIMAL ? vm_text_decimal(f->text, out)
                                                  : vm_text_number(f->text, out);
    return end == f->text + f->n;
}

static bool field_access(const struct field *f, enum vm_access *out)
{
    static const struct {
        const char *word;
        enum vm_access access;
    } words[] = {
        {"r", VM_READ},      {"read", VM_READ},    {"l", VM_READ},      {"load", VM_READ},
        {"ld", VM_READ},     {"w", VM_WRITE},      {"write", VM_WRITE}, {"s", VM_WRITE},
        {"store", VM_WRITE}, {"st", VM_WRITE},     {"i", VM_FETCH},     {"f", VM_FETCH},
        {"fetch", VM_FETCH}, {"ifetch", VM_FETCH}, {"x", VM_FETCH},     {"exec", VM_FETCH},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (field_is(f, words[i].word)) {
            *out = words[i].access;
            return true;
        }
    return false;
}

/* Split a row: the fields of the columns that matter; the row's end, or NULL. */
static const uint8_t *parse_row(struct csv *s, const uint8_t *line, struct field *field,
                                struct vm_error *e)
{
    const uint8_t *p = line;
    for (int i = 0;; i++, p++) {
        struct field f;
        p = next_field(p, &f);
        for (int c = 0; c < CSV_COLUMNS; c++)
            if (s->column[c] == i)
                field[c] = f;
        if (i + 1 == s->ncolumns)
            return vm_text_next(p);
        if (*p == '\n')
            return vm_line_bad(&s->reader, "row", line, "\r", "as many fields as the header", e);
    }
}

static inline const uint8_t *parse_line(struct csv *s, const uint8_t *line,
                                        struct vm_batch_builder *out, struct vm_error *e)
{
    if (vm_text_silent(line))
        return vm_text_next(line);
    if (!s->headed)
        return parse_header(s, line, e);
    struct field field[CSV_COLUMNS] = {0}; /* columns that the file lacks stay empty */
    const uint8_t *next = parse_row(s, line, field, e);
    if (!next)
        return NULL;
    uint64_t va, bytes = 1;
    enum vm_access access = VM_READ;
    if (!field_number(&field[COLUMN_ADDRESS], s->radix, &va))
        return vm_line_bad(
            &s->reader, "address", field[COLUMN_ADDRESS].text, ",\"\r",
            s->radix == RADIX_HEX ? "hex digits" : "decimal digits, or 0x and hex digits", e);
    if (s->column[COLUMN_ACCESS] >= 0 && !field_access(&field[COLUMN_ACCESS], &access))
        return vm_line_bad(&s->reader, "access", field[COLUMN_ACCESS].text, ",\"\r",
                           "R, W or I (or read, write, fetch)", e);
    if (s->column[COLUMN_SIZE] >= 0 && !field_number(&field[COLUMN_SIZE], RADIX_AUTO, &bytes))
        return vm_line_bad(&s->reader, "size", field[COLUMN_SIZE].text, ",\"\r", "decimal digits",
                           e);
    vm_builder_ref(out, access, va, bytes);
    return next;
}

#define TEXT_STATE csv
#include "trace/text_template.inc.h"

static void *csv_open(struct vm_bytes *bytes, const struct vm_params *params,
                      const struct vm_trace_options *options, struct vm_error *e)
{
    struct csv *s = open_lines(bytes, params, options, e);
    if (!s)
        return NULL;
    for (int c = 0; c < CSV_COLUMNS; c++)
        strcpy(s->name[c], vm_params_text(params, csv_params[c].name));
    s->radix = (enum csv_radix)vm_params_count(params, "radix");
    return s;
}

const struct vm_format_ops vm_format_csv = {
    .name = "csv",
    .summary = "comma-separated values; parameters name the columns of the header row",
    .param = csv_params,
    .nparams = sizeof csv_params / sizeof csv_params[0],
    .probe = probe_lines,
    .open = csv_open,
    .read = read_lines,
    .info = vm_reader_info,
    .skip = vm_reader_skip,
    .close = vm_reader_close,
};
