/* words.h - 64-bit table words in simulated memory. */
#ifndef SCHEME_WORDS_H
#define SCHEME_WORDS_H

#include <pagoda/scheme.h>
#include <string.h>

static inline uint64_t word_load(const struct vm_scheme_env *env, vm_pa at)
{
    uint64_t word;
    memcpy(&word, env->memory + at, sizeof word);
    return word;
}

static inline void word_store(const struct vm_scheme_env *env, vm_pa at, uint64_t word)
{
    memcpy(env->memory + at, &word, sizeof word);
}

#endif
