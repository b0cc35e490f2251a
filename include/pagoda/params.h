/* params.h - parts chosen by name with parameters: "clock:load=referenced", "zipf:s=0.9,pages=1M".
 *
 * A part (policy, workload, format, device) declares a table of struct vm_param; a spec string is
 * parsed against it. One table feeds the parser, `pagoda list`, the man page and the echo of the
 * effective configuration.
 *
 * Invariants
 *  1. After vm_params_parse every row of the table has a value: the given one or the fallback.
 *  2. vm_params_text of the result parses back to the same values.
 */
#ifndef PAGODA_PARAMS_H
#define PAGODA_PARAMS_H

#include <pagoda/error.h>
#include <pagoda/types.h>

enum vm_param_kind {
    VM_PARAM_COUNT, /* an unsigned integer; decimal suffixes k, M, G */
    VM_PARAM_BYTES, /* a size: 4096, 64KiB, 64MiB, 1GiB, 64M (binary) */
    VM_PARAM_REAL,  /* a decimal fraction */
    VM_PARAM_WORD,  /* one of `words`; its value is the word's index */
    VM_PARAM_TEXT,  /* any text without comma; kept as given */
};

struct vm_param {
    const char *name;
    enum vm_param_kind kind;
    const char *fallback; /* as the user would write it */
    double min, max;      /* of a COUNT, BYTES or REAL; both 0: no bound */
    const char *words;    /* of a WORD: "lru|fifo" */
    const char *help;     /* half a sentence */
};

#define VM_PARAMS_MAX 12

struct vm_params {
    const struct vm_param *table;
    size_t n;
    union {
        uint64_t count; /* COUNT, BYTES, WORD (index) */
        double real;
    } value[VM_PARAMS_MAX];
    char text[VM_PARAMS_MAX][64]; /* as given, for echoes and TEXT */
};

/* Parse "key=value,key=value" (NULL or "": all fallbacks) against table[n].
 * `owner` is the part's name, for messages. Errors: VM_EUSAGE. */
bool vm_params_parse(struct vm_params *out, const char *owner, const struct vm_param *table,
                     size_t n, const char *text, struct vm_error *e);

/* The value of a row. The name must be in the table, with that kind (asserted). */
uint64_t vm_params_count(const struct vm_params *p, const char *name); /* COUNT, BYTES or WORD */
double vm_params_real(const struct vm_params *p, const char *name);
const char *vm_params_text(const struct vm_params *p, const char *name);

/* Split "name:params" in place: copies the name into name[cap] and returns the params part of
 * `spec` ("" if none). A name longer than cap - 1 is cut (and will be unknown). */
const char *vm_spec_split(const char *spec, char *name, size_t cap);

/* Of a list with commas, the next item; those of a part's parameters do not part it: "a:x=1,y=2" is
 * one. Into item[cap], cut to it; returns what is left of the list, NULL: there was no more. */
const char *vm_spec_next(const char *list, char *item, size_t cap);

/* Numbers with units, each the whole string. Errors: VM_EUSAGE, naming `what`. */
bool vm_parse_count(const char *text, const char *what, uint64_t *out, struct vm_error *e);
bool vm_parse_bytes(const char *text, const char *what, uint64_t *out, struct vm_error *e);
bool vm_parse_time(const char *text, const char *what, uint64_t *out_ns, struct vm_error *e);
bool vm_parse_real(const char *text, const char *what, double *out, struct vm_error *e);

/* "64 MiB", "1.5 GiB": bytes for people, into out[cap]; returns out. */
const char *vm_text_bytes(uint64_t bytes, char *out, size_t cap);
/* "12,345,678". */
const char *vm_text_count(uint64_t count, char *out, size_t cap);

/* A part that can be named, as `pagoda list` and the man page show it. Each room that has a .def
 * table offers `bool vm_ROOM_list(size_t i, struct vm_listed *out)`: row i, false past the end. */
struct vm_listed {
    const char *name;
    const char *summary;
    const struct vm_param *param;
    size_t nparams;
};

#endif
