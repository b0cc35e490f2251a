/* symbols.h - which function an address of an ELF file lies in, by the file's own symbol table.
 *
 * Files of 64 bits, little-endian. The table for linkers (.symtab) is taken where there is one,
 * else that for loading (.dynsym), which names only what others may call. System V ABI, chapter 4.
 */
#ifndef BASE_SYMBOLS_H
#define BASE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm_symbols;

/* NULL if the file cannot be read or names no functions. */
struct vm_symbols *vm_symbols_open(const char *path);
void vm_symbols_close(struct vm_symbols *s); /* NULL is fine */
/* The name of the function that the address (of the file, not of a process) lies in, and how far
 * into it; NULL: none is known. The name is the table's. */
const char *vm_symbols_find(const struct vm_symbols *s, uint64_t address, uint64_t *offset);

struct vm_symbol {
    uint64_t address, bytes;
    const char *name;
    bool chooses; /* it is called once, to tell which function the name means (STT_GNU_IFUNC) */
};
/* Function i, by rising address; false past the end. */
bool vm_symbols_get(const struct vm_symbols *s, size_t i, struct vm_symbol *out);

#endif
