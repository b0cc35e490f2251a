/* naive_partition.c - see naive_partition.h. */
#include "oracle/naive_partition.h"

#include <string.h>

void naive_partition_open(struct naive_partition *n, const struct naive_rule_of_memory *rule,
                          uint32_t memory)
{
    *n = (struct naive_partition){.rule = rule, .memory = memory};
    memset(n->holder, -1, sizeof n->holder);
}

uint32_t naive_partition_start(const struct naive_partition *n, uint32_t job)
{
    uint32_t at = 0;
    while (at < n->memory && n->holder[at] != (int8_t)job)
        at++;
    return at;
}

static void hold(struct naive_partition *n, uint32_t start, uint32_t bytes, uint32_t job)
{
    for (uint32_t i = start; i < start + bytes; i++)
        n->holder[i] = (int8_t)job;
}

/* Bytes from `start` on that nobody has. */
static uint32_t hole(const struct naive_partition *n, uint32_t start)
{
    uint32_t end = start;
    while (end < n->memory && n->holder[end] < 0)
        end++;
    return end - start;
}

/* ---- parts ---- */

static bool put_in_part(struct naive_partition *n, uint32_t job, uint32_t bytes)
{
    uint32_t start = 0, best_start = n->memory, best = UINT32_MAX;
    bool best_free = false;
    for (const uint32_t *part = n->rule->part; *part; start += *part++) {
        bool is_free = hole(n, start) >= *part;
        bool fits = *part >= bytes && (is_free || n->rule->pick == PICK_OWN);
        bool better = n->rule->pick == PICK_FIRST
                          ? best == UINT32_MAX
                          : *part < best || (*part == best && is_free && !best_free);
        if (fits && better) {
            best = *part;
            best_start = start;
            best_free = is_free;
        }
    }
    if (!best_free)
        return false;
    hold(n, best_start, best, job);
    return true;
}

/* ---- pieces ---- */

static bool is_better(const struct naive_partition *n, uint32_t bytes, uint32_t than)
{
    return n->rule->pick == PICK_BEST ? bytes < than : n->rule->pick == PICK_WORST && bytes > than;
}

/* The hole that serves: its start; memory: none. */
static uint32_t pick(const struct naive_partition *n, uint32_t bytes)
{
    uint32_t chosen = n->memory, size = 0;
    uint32_t from = n->rule->pick == PICK_NEXT ? n->rover % n->memory : 0;
    while (from > 0 && n->holder[from] < 0 && n->holder[from - 1] < 0)
        from--; /* a hole around the rover is looked at first */
    for (uint32_t i = 0; i < n->memory; i++) {
        uint32_t at = (from + i) % n->memory;
        bool begins = at == 0 || n->holder[at - 1] >= 0;
        if (n->holder[at] >= 0 || !begins || hole(n, at) < bytes)
            continue;
        if (chosen == n->memory || is_better(n, hole(n, at), size)) {
            chosen = at;
            size = hole(n, at);
        }
    }
    return chosen;
}

static void slide_together(struct naive_partition *n)
{
    uint32_t to = 0;
    for (uint32_t at = 0; at < n->memory;) {
        int8_t job = n->holder[at];
        uint32_t end = at + 1;
        while (end < n->memory && n->holder[end] == job)
            end++;
        if (job >= 0) {
            uint32_t bytes = end - at;
            n->moved_jobs += to != at;
            n->moved_bytes += to != at ? n->asked[job] : 0;
            memset(&n->holder[at], -1, bytes);
            hold(n, to, bytes, (uint32_t)job);
            to += bytes;
        }
        at = end;
    }
    n->moves++;
    n->rover = to;
}

static uint32_t free_bytes(const struct naive_partition *n)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < n->memory; i++)
        bytes += n->holder[i] < 0;
    return bytes;
}

static bool put_in_hole(struct naive_partition *n, uint32_t job, uint32_t bytes)
{
    bytes = (bytes + n->rule->unit - 1) / n->rule->unit * n->rule->unit;
    uint32_t start = pick(n, bytes);
    if (start == n->memory && n->rule->move != MOVE_NEVER && free_bytes(n) >= bytes) {
        slide_together(n);
        start = pick(n, bytes);
    }
    if (start == n->memory)
        return false;
    hold(n, start, bytes, job);
    n->rover = start + bytes;
    return true;
}

/* ---- jobs ---- */

bool naive_partition_put(struct naive_partition *n, uint32_t job, uint32_t bytes)
{
    bool put = false;
    n->asked[job] = bytes;
    if (n->rule->rule == RULE_SINGLE) {
        put = free_bytes(n) == n->memory;
        if (put)
            hold(n, 0, n->memory, job);
    } else {
        put = n->rule->rule == RULE_FIXED ? put_in_part(n, job, bytes) : put_in_hole(n, job, bytes);
    }
    return put;
}

static bool is_together(const struct naive_partition *n)
{
    uint32_t first = hole(n, 0) == 0 ? 0 : n->memory;
    while (first < n->memory && n->holder[first] >= 0)
        first++;
    return free_bytes(n) == n->memory || (hole(n, 0) == 0 && hole(n, first) == n->memory - first);
}

void naive_partition_leave(struct naive_partition *n, uint32_t job)
{
    for (uint32_t i = 0; i < n->memory; i++)
        if (n->holder[i] == (int8_t)job)
            n->holder[i] = -1;
    if (n->rule->move == MOVE_EXIT && !is_together(n))
        slide_together(n);
}
