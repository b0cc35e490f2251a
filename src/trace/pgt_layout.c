/* pgt_layout.c - the fixed records of a .pgt file to bytes and back; see pgt.h. */
#include "trace/pgt.h"

#include <xxhash.h>

#define LOAD8(p)  (*(p))
#define LOAD16(p) pgt_load16(p)
#define LOAD32(p) pgt_load32(p)
#define LOAD64(p) pgt_load64(p)

#define STORE_FIELD(bits, name)                                                                    \
    pgt_store(to, from->name, (bits) / 8);                                                         \
    to += (bits) / 8;
#define LOAD_FIELD(bits, name)                                                                     \
    to->name = LOAD##bits(from);                                                                   \
    from += (bits) / 8;
#define DEFINE(record, FIELDS)                                                                     \
    void pgt_store_##record(uint8_t *to, const struct pgt_##record *from)                          \
    {                                                                                              \
        FIELDS(STORE_FIELD)                                                                        \
    }                                                                                              \
    void pgt_load_##record(const uint8_t *from, struct pgt_##record *to)                           \
    {                                                                                              \
        FIELDS(LOAD_FIELD)                                                                         \
    }
PGT_RECORDS(DEFINE)

void pgt_seal(uint8_t *record, size_t bytes)
{
    pgt_store(record + bytes - 8, XXH64(record, bytes - 8, 0), 8);
}

bool pgt_sealed(const uint8_t *record, size_t bytes)
{
    return pgt_load64(record + bytes - 8) == XXH64(record, bytes - 8, 0);
}

uint64_t pgt_columns_bytes(const struct pgt_block *h)
{
#define COLUMN_BYTES(name, bytes, count) +(uint64_t)(bytes)*h->count
    return 0 PGT_COLUMNS(COLUMN_BYTES);
#undef COLUMN_BYTES
}
