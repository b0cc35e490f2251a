/* answers.h - what several schemes answer alike. */
#ifndef SCHEME_ANSWERS_H
#define SCHEME_ANSWERS_H

#include <pagoda/scheme.h>

/* Of a scheme that has base pages only. */
static inline uint64_t scheme_base_orders(const struct vm_scheme_env *env)
{
    (void)env;
    return 1;
}

/* Of a scheme that can be built with any pages in range and any parameters. */
static inline bool scheme_accept_all(const struct vm_scheme_env *env, struct vm_error *e)
{
    (void)env, (void)e;
    return true;
}

#endif
