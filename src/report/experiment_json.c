/* experiment_json.c - an experiment's charts for programs. Every member: docs/formats/json.md. */
#include "report/chart_json.h"

static json_t *params_json(struct vm_json *j, const struct vm_params *p)
{
    json_t *o = json_object();
    for (size_t i = 0; i < p->n; i++)
        vm_json_put(j, o, p->table[i].name, vm_json_text(p->text[i]));
    return o;
}

bool vm_report_experiment_json(FILE *out, const struct vm_experiment_ops *x,
                               const struct vm_experiment_request *r, const struct vm_figures *f,
                               struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:s, s:s}", "schema", VM_JSON_SCHEMA, "kind", "experiment",
                  "version", PAGODA_VERSION, "name", x->name, "source", x->source);
    vm_json_put(&j, root, "trace", r->trace ? vm_json_text(r->trace) : json_null());
    vm_json_put(&j, root, "params", params_json(&j, r->params));
    vm_json_put(&j, root, "config", vm_json_config(&j, r->config));
    vm_json_put(&j, root, "charts", vm_json_charts(&j, f->chart, f->n));
    return vm_json_write(out, &j, root, e);
}
