/* bounded.c - one flat table an address space, with a length register: it has only as many entries
 * as the highest page needs. A program whose pages lie low has a short table; a single page at the
 * top, such as a stack's, makes it as long as linear's.
 */
#define FLAT_OPS     vm_scheme_bounded
#define FLAT_NAME    "bounded"
#define FLAT_SUMMARY "a flat table that ends with the highest page: a length register"
#define FLAT_TABLES  1
#define FLAT_GROWS   1
#include "scheme/flat_template.inc.h"
