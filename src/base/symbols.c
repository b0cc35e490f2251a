/* symbols.c - see symbols.h.
 *
 * The file is mapped and nothing in it is believed: each table and each name must lie within it.
 */
#include "base/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct vm_symbols {
    const unsigned char *file;
    size_t file_bytes;
    size_t n;
    struct vm_symbol *function; /* by rising address */
};

static const void *part(const struct vm_symbols *s, uint64_t offset, uint64_t bytes)
{
    bool within = offset <= s->file_bytes && bytes <= s->file_bytes - offset;
    return within ? s->file + offset : NULL;
}

static bool map_file(struct vm_symbols *s, const char *path)
{
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    void *map = MAP_FAILED;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size > 0)
        map = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return false;
    s->file = map;
    s->file_bytes = (size_t)file.st_size;
    return true;
}

/* The section headers, *n of them; NULL: it is no such file. */
static const Elf64_Shdr *sections(const struct vm_symbols *s, size_t *n)
{
    const Elf64_Ehdr *head = part(s, 0, sizeof *head);
    if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) || head->e_ident[EI_CLASS] != ELFCLASS64 ||
        head->e_ident[EI_DATA] != ELFDATA2LSB || head->e_shentsize != sizeof(Elf64_Shdr) ||
        head->e_shoff % _Alignof(Elf64_Shdr))
        return NULL;
    *n = head->e_shnum;
    return part(s, head->e_shoff, *n * sizeof(Elf64_Shdr));
}

static const Elf64_Shdr *section_of_type(const Elf64_Shdr *section, size_t n, uint32_t type)
{
    for (size_t i = 0; i < n; i++)
        if (section[i].sh_type == type)
            return &section[i];
    return NULL;
}

static int by_start(const void *a, const void *b)
{
    const struct vm_symbol *x = a, *y = b;
    return (x->address > y->address) - (x->address < y->address);
}

static bool load_functions(struct vm_symbols *s, const Elf64_Shdr *table, const Elf64_Shdr *names)
{
    const Elf64_Sym *symbol = part(s, table->sh_offset, table->sh_size);
    const char *text = part(s, names->sh_offset, names->sh_size);
    size_t n = table->sh_size / sizeof *symbol;
    if (!symbol || table->sh_offset % _Alignof(Elf64_Sym) || !text || !names->sh_size ||
        text[names->sh_size - 1] || !(s->function = calloc(n ? n : 1, sizeof *s->function)))
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned type = ELF64_ST_TYPE(symbol[i].st_info);
        if ((type == STT_FUNC || type == STT_GNU_IFUNC) && symbol[i].st_value &&
            symbol[i].st_name < names->sh_size)
            s->function[s->n++] =
                (struct vm_symbol){symbol[i].st_value, symbol[i].st_size, text + symbol[i].st_name,
                                   type == STT_GNU_IFUNC};
    }
    qsort(s->function, s->n, sizeof *s->function, by_start);
    return s->n;
}

static bool load(struct vm_symbols *s)
{
    size_t n = 0;
    const Elf64_Shdr *section = sections(s, &n);
    if (!section)
        return false;
    const Elf64_Shdr *table = section_of_type(section, n, SHT_SYMTAB);
    table = table ? table : section_of_type(section, n, SHT_DYNSYM);
    return table && table->sh_link < n && load_functions(s, table, &section[table->sh_link]);
}

struct vm_symbols *vm_symbols_open(const char *path)
{
    struct vm_symbols *s = calloc(1, sizeof *s);
    if (s && map_file(s, path) && load(s))
        return s;
    vm_symbols_close(s);
    return NULL;
}

void vm_symbols_close(struct vm_symbols *s)
{
    if (!s)
        return;
    if (s->file)
        munmap((void *)(uintptr_t)s->file, s->file_bytes);
    free(s->function);
    free(s);
}

const char *vm_symbols_find(const struct vm_symbols *s, uint64_t address, uint64_t *offset)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->function[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || address - s->function[low - 1].address >= s->function[low - 1].bytes)
        return NULL;
    *offset = address - s->function[low - 1].address;
    return s->function[low - 1].name;
}

bool vm_symbols_get(const struct vm_symbols *s, size_t i, struct vm_symbol *out)
{
    if (i < s->n)
        *out = s->function[i];
    return i < s->n;
}
