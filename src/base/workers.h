/* workers.h - threads that share jobs out among themselves. The one place that knows threads.
 *
 * Jobs of one call are independent of each other and numbered; who does which is left to chance, so
 * that a result may not depend on it: job i writes what is i's.
 */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include <pagoda/error.h>
#include <stddef.h>

struct vm_workers;

/* `n` workers, the caller being one of them; 0: as many as the host has processors. Where the host
 * gives fewer threads there are fewer. Errors: VM_ESYSTEM (no memory). */
struct vm_workers *vm_workers_open(unsigned n, struct vm_error *e);
unsigned vm_workers_count(const struct vm_workers *w);
/* Do job(host, i) once for each i < njobs; returns when all are done. */
void vm_workers_run(struct vm_workers *w, size_t njobs, void (*job)(void *host, size_t i),
                    void *host);
void vm_workers_close(struct vm_workers *w); /* NULL is fine */

#endif
