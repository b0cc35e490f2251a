/* html.h - what the reports that are pages share. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stdio.h>

/* Text as HTML has it: & < > " are written as names. */
void vm_html_text(FILE *out, const char *text);

#endif
