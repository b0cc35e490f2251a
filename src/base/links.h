/* links.h - doubly linked lists of small indexes, many lists in one array.
 *
 * A node is an index; its links are 8 bytes in an array that the owner holds. A list is a node of
 * its own, the head, linked in a ring: next of the head is the first, prev the last. A node is on
 * at most one list.
 *
 *     head -> first -> ... -> last -> head
 */
#ifndef BASE_LINKS_H
#define BASE_LINKS_H

#include <stdbool.h>
#include <stdint.h>

struct vm_links {
    uint32_t prev, next;
};

static inline void vm_links_head(struct vm_links *l, uint32_t head)
{
    l[head] = (struct vm_links){head, head};
}

static inline bool vm_links_empty(const struct vm_links *l, uint32_t head)
{
    return l[head].next == head;
}

static inline void vm_links_insert_after(struct vm_links *l, uint32_t at, uint32_t node)
{
    uint32_t next = l[at].next;
    l[node] = (struct vm_links){at, next};
    l[next].prev = node;
    l[at].next = node;
}

static inline void vm_links_remove(struct vm_links *l, uint32_t node)
{
    uint32_t prev = l[node].prev, next = l[node].next;
    l[prev].next = next;
    l[next].prev = prev;
}

static inline void vm_links_push_first(struct vm_links *l, uint32_t head, uint32_t node)
{
    vm_links_insert_after(l, head, node);
}

static inline void vm_links_push_last(struct vm_links *l, uint32_t head, uint32_t node)
{
    vm_links_insert_after(l, l[head].prev, node);
}

#endif
