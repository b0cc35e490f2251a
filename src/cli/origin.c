/* origin.c - how a trace was made, for `pagoda info`. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

/* An argument as it would be typed into a shell. */
static void put_word(FILE *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "@%_+=:,./-";
    if (*text && !text[strspn(text, plain)]) {
        fputs(text, out);
        return;
    }
    fputc('\'', out);
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    fputc('\'', out);
}

void describe_command(const char *begin, char *const *program, char *out, size_t cap)
{
    memset(out, 0, cap);
    FILE *text = fmemopen(out, cap - 1, "w");
    if (!text)
        return;
    fputs(begin, text);
    for (; *program; program++) {
        fputc(' ', text);
        put_word(text, *program);
    }
    fclose(text);
}
