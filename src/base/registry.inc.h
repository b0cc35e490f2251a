/* registry.inc.h - the lookup functions of a .def table, stamped once for each room.
 *
 * Before including it a room's registry.c declares `static const struct vm_ROOM_ops *const rows[]`
 * from its table and defines REGISTRY (the room's word in function names) and REGISTRY_NOUN (the
 * word for messages). Functions: vm_ROOM_at, vm_ROOM_find, vm_ROOM_list.
 */
#define REGISTRY_JOIN_(a, b, c) a##b##c
#define REGISTRY_JOIN(a, b, c)  REGISTRY_JOIN_(a, b, c)
#define REGISTRY_OPS            struct REGISTRY_JOIN(vm_, REGISTRY, _ops)
#define REGISTRY_FN(verb)       REGISTRY_JOIN(vm_, REGISTRY, _##verb)

const REGISTRY_OPS *REGISTRY_FN(at)(size_t i)
{
    return i < sizeof rows / sizeof rows[0] ? rows[i] : NULL;
}

const REGISTRY_OPS *REGISTRY_FN(find)(const char *name, struct vm_error *e)
{
    const char *known[sizeof rows / sizeof rows[0]];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!strcmp(rows[i]->name, name))
            return rows[i];
        known[i] = rows[i]->name;
    }
    vm_fail_unknown(e, REGISTRY_NOUN, name, known, sizeof rows / sizeof rows[0]);
    return NULL;
}

bool REGISTRY_FN(list)(size_t i, struct vm_listed *out)
{
    const REGISTRY_OPS *row = REGISTRY_FN(at)(i);
    if (row)
        *out = (struct vm_listed){row->name, row->summary, row->param, row->nparams};
    return row;
}
