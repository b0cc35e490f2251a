/* naive_frames.h - the machine's frames by brute force: for each frame where it is, in a row of
 * flags; the choices of include/pagoda/frames.h made by looking at all of them.
 *
 * A buddy is found in the flags each time anew (naive_alloc.h), for a zone and a group as for a
 * range of which the others' frames are held.
 */
#ifndef ORACLE_NAIVE_FRAMES_H
#define ORACLE_NAIVE_FRAMES_H

#include "oracle/naive_alloc.h"

#include <pagoda/frames.h>

#define NAIVE_LISTS_MAX 64

struct naive_frames {
    struct vm_frames_config c;
    unsigned nzones;
    uint32_t start[VM_ZONES_MAX], end[VM_ZONES_MAX];
    enum vm_zone_kind kind[VM_ZONES_MAX];
    uint32_t ratio[VM_ZONES_MAX];
    enum { NAIVE_HELD, NAIVE_FREE, NAIVE_LISTED } where[NAIVE_UNITS];
    enum vm_frame_group group[VM_ZONES_MAX][NAIVE_UNITS]; /* of pageblocks */
    struct {
        unsigned n;
        uint32_t frame[NAIVE_UNITS]; /* first to last */
    } list[NAIVE_LISTS_MAX];         /* by processor, zone and group */
    uint32_t processor;
    struct vm_zone_state zone[VM_ZONES_MAX]; /* its counts alone */
    struct vm_list_counts counts[NAIVE_LISTS_MAX];
};

void naive_frames_open(struct naive_frames *n, const struct vm_frames_config *c);
unsigned naive_frames_zone_of(const struct naive_frames *n, uint32_t frame);
/* The highest zone that may serve; what zone z keeps. */
unsigned naive_frames_highest(const struct naive_frames *n, enum vm_frame_use use);
uint32_t naive_frames_kept(const struct naive_frames *n, unsigned z, enum vm_frame_use use);
/* Frames of zone z that are free, in lists too. */
uint32_t naive_frames_free(const struct naive_frames *n, unsigned z);
/* Whether [start, start + 2^order) is a free block of zone z. */
bool naive_frames_is_block(const struct naive_frames *n, unsigned z, unsigned order,
                           uint32_t start);

/* colour: of one frame; UINT32_MAX: any. */
vm_pfn naive_frames_take(struct naive_frames *n, enum vm_frame_use use, unsigned order,
                         uint32_t colour);
vm_pfn naive_frames_take_run(struct naive_frames *n, enum vm_frame_use use, uint32_t frames);
bool naive_frames_take_at(struct naive_frames *n, uint32_t start, uint32_t frames);
/* False: not all of them were held. */
bool naive_frames_give(struct naive_frames *n, uint32_t start, uint32_t frames);

#endif
