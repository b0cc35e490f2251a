/* lock.h - locks on ranges of files: a table that knows of no process and no descriptor. */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Two kinds that never meet: of bytes (fcntl), and of a file as a whole (flock). */
enum lock_kind { LOCK_OF_BYTES, LOCK_OF_FILE };

struct file_id {
    uint64_t device, number;
};

struct lock {
    enum lock_kind kind;
    struct file_id file;
    const void *owner; /* only its address: the same one never stands in its own way */
    uint32_t pid;      /* as F_GETLK tells it */
    bool exclusive;
    uint64_t first, last; /* bytes, both included */
    struct lock *next;
};

struct lock_table {
    struct lock *first;
};

/* A lock that `wanted` cannot be had beside; NULL: none. */
const struct lock *vm_lock_blocker(const struct lock_table *table, const struct lock *wanted);
/* The owner has the lock, instead of what it had on these bytes; nothing blocks it. False: no
 * memory, and nothing has changed. */
bool vm_lock_set(struct lock_table *table, const struct lock *wanted);
/* It has none on these bytes. False: likewise. */
bool vm_lock_clear(struct lock_table *table, const struct lock *range);
/* The owner has none on the file, of this kind; whether it had any. */
bool vm_lock_drop(struct lock_table *table, enum lock_kind kind, struct file_id file,
                  const void *owner);
/* The owner has none at all; whether it had any. */
bool vm_lock_drop_owner(struct lock_table *table, const void *owner);
/* Assert the invariants (lock.c). */
void vm_lock_check(const struct lock_table *table);

#endif
