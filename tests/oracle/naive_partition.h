/* naive_partition.h - memory shared among whole jobs, byte by byte: every byte knows whose it is,
 * and every choice looks at all of them. */
#ifndef ORACLE_NAIVE_PARTITION_H
#define ORACLE_NAIVE_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

enum { NAIVE_MEMORY = 256, NAIVE_TENANTS = 16, NAIVE_PARTS = 8 };

struct naive_rule_of_memory {
    const char *spec; /* of the row that follows this rule */
    enum { RULE_SINGLE, RULE_FIXED, RULE_VARIABLE } rule;
    enum { PICK_FIRST, PICK_NEXT, PICK_BEST, PICK_WORST, PICK_OWN } pick;
    uint32_t part[NAIVE_PARTS]; /* fixed: their sizes, up to a 0 */
    uint32_t unit;              /* variable */
    enum { MOVE_NEVER, MOVE_NEEDED, MOVE_EXIT } move;
};

struct naive_partition {
    const struct naive_rule_of_memory *rule;
    uint32_t memory;
    int8_t holder[NAIVE_MEMORY]; /* job that has the byte, -1: none */
    uint32_t asked[NAIVE_TENANTS];
    uint32_t rover; /* the end of what was put last */
    uint64_t moved_bytes, moved_jobs, moves;
};

void naive_partition_open(struct naive_partition *n, const struct naive_rule_of_memory *rule,
                          uint32_t memory);
bool naive_partition_put(struct naive_partition *n, uint32_t job, uint32_t bytes);
void naive_partition_leave(struct naive_partition *n, uint32_t job);
/* The first byte that the job has; memory if it has none. */
uint32_t naive_partition_start(const struct naive_partition *n, uint32_t job);

#endif
