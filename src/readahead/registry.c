/* registry.c - the ways to read ahead by name: readaheads.def as a table. */
#include <pagoda/readahead.h>
#include <string.h>

#define READAHEAD(name) extern const struct vm_readahead_ops vm_readahead_##name;
#include "readahead/readaheads.def"
#undef READAHEAD

static const struct vm_readahead_ops *const rows[] = {
#define READAHEAD(name) &vm_readahead_##name,
#include "readahead/readaheads.def"
#undef READAHEAD
};

#define REGISTRY      readahead
#define REGISTRY_NOUN "readahead"
#include "base/registry.inc.h"
