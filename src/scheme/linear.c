/* linear.c - one flat table an address space, whole from the beginning.
 *
 * The oldest and the simplest page table: one load a walk, and a table as long as the address
 * space, whatever is mapped: a word of 8 bytes for each of its pages, 8 MiB for the 32 bits by
 * default and pages of 4 KiB. Pages of any size will do.
 *
 *      va   | page number | offset |
 *                  |
 *      table ---> word
 */
#define FLAT_OPS     vm_scheme_linear
#define FLAT_NAME    "linear"
#define FLAT_SUMMARY "one flat table an address space, in consecutive frames"
#define FLAT_TABLES  1
#define FLAT_GROWS   0
#include "scheme/flat_template.inc.h"
