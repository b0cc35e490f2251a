/* chart_json.h - charts as members of a JSON document. */
#ifndef REPORT_CHART_JSON_H
#define REPORT_CHART_JSON_H

#include "report/json.h"

/* An array of charts, each as docs/formats/json.md has it. A new reference. */
json_t *vm_json_charts(struct vm_json *j, const struct vm_chart *c, size_t n);

#endif
