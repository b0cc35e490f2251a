/* html.c - see html.h. */
#include "report/html.h"

void vm_html_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *escape = *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;
        escape = *text == '&' ? "&amp;" : *text == '"' ? "&quot;" : escape;
        if (escape)
            fputs(escape, out);
        else
            fputc(*text, out);
    }
}
