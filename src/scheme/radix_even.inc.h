/* radix_even.inc.h - the form of a radix tree whose tables all fill one frame, known to the
 * compiler: what radix_template.inc.h asks of a form, for the rows of real architectures.
 *
 * Before including it a row defines RADIX_PAGE_SHIFT, RADIX_LEVELS, RADIX_LEAF_LEVEL_MAX (the
 * highest level that may have leaves) and RADIX_WORD (uint32_t or uint64_t). An index has as many
 * bits as a frame has words.
 */
#include "base/assert.h"

#include <pagoda/scheme.h>
#include <string.h>

enum {
    RADIX_INDEX_BITS = RADIX_PAGE_SHIFT - (sizeof(RADIX_WORD) == 4 ? 2 : 3),
    RADIX_PAGE_SHIFT_MIN = RADIX_PAGE_SHIFT,
    RADIX_PAGE_SHIFT_MAX = RADIX_PAGE_SHIFT,
    RADIX_NPARAMS = 0,
};
#define RADIX_PARAMS NULL

struct radix_form {
};

_Static_assert(RADIX_LEAF_LEVEL_MAX < RADIX_LEVELS, "a leaf stands in a table");

static inline struct radix_form form_of(const struct vm_scheme_env *env)
{
    (void)env;
    return (struct radix_form){};
}

static bool form_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    (void)env, (void)e;
    return true;
}

static inline uint64_t form_frames(const struct radix_form *f)
{
    (void)f;
    return PTE_PFN_BITS < 32 ? UINT64_C(1) << PTE_PFN_BITS : VM_NOFRAME;
}

static inline size_t form_beside_bytes(const struct vm_scheme_env *env)
{
    (void)env;
    return 0;
}

static inline void form_begin(struct radix_form *f, void *beside)
{
    (void)f, (void)beside;
}

static inline unsigned form_low(const struct radix_form *f, unsigned level)
{
    (void)f;
    return RADIX_PAGE_SHIFT + level * RADIX_INDEX_BITS;
}

static inline unsigned form_leaf_level_max(const struct radix_form *f)
{
    (void)f;
    return RADIX_LEAF_LEVEL_MAX;
}

static inline unsigned form_word_shift(const struct radix_form *f)
{
    (void)f;
    return sizeof(RADIX_WORD) == 4 ? 2 : 3;
}

static inline uint64_t form_load(const struct radix_form *f, const uint8_t *memory, vm_pa at)
{
    (void)f;
    RADIX_WORD word;
    memcpy(&word, memory + at, sizeof word);
    return word;
}

static inline uint64_t form_seen(const struct radix_form *f, uint64_t word)
{
    (void)f;
    return word;
}

static inline void form_store(const struct radix_form *f, uint8_t *memory, vm_pa at, uint64_t word)
{
    (void)f;
    RADIX_WORD narrow = (RADIX_WORD)word;
    VM_ASSERT(narrow == word);
    memcpy(memory + at, &narrow, sizeof narrow);
}

static inline void form_forget(const struct radix_form *f, vm_pa at, uint64_t nwords)
{
    (void)f, (void)at, (void)nwords;
}

static inline uint64_t form_kept_bytes(const struct radix_form *f, uint64_t table_bytes)
{
    (void)f, (void)table_bytes;
    return 0;
}

static inline size_t form_word_fields(const struct radix_form *f, uint64_t word, unsigned level,
                                      const uint8_t *order, struct vm_field *out)
{
    (void)f;
    if (!(word & PTE_PRESENT))
        return entry_kernel_fields(word, 8 * sizeof(RADIX_WORD), out);
    return pte_word_fields(word, level, order, RADIX_LEVELS, out);
}
