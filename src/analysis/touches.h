/* touches.h - a trace as a pager of real pages meets it. Private to analysis/; as_live.h has more.
 */
#ifndef ANALYSIS_TOUCHES_H
#define ANALYSIS_TOUCHES_H

#include <pagoda/as_live.h>

enum touch_event_kind {
    TOUCH_REGION,    /* the pages become a region */
    TOUCH_NO_REGION, /* they are of none any more, and have no contents */
    TOUCH_FORGET,    /* no contents */
    TOUCH_KEEP,      /* contents in the store */
    TOUCH_CLEAN,     /* written back, where they are dirty */
    TOUCH_LEAVE,     /* the same, and then they leave */
    TOUCH_PIN,       /* may not leave until unpinned as often */
    TOUCH_UNPIN,
    TOUCH_NORMAL, /* advice to the region */
    TOUCH_RANDOM,
    TOUCH_SEQUENTIAL,
    TOUCH_OPEN, /* they may come along, or not */
    TOUCH_SHUT,
};

struct touch_event {
    uint64_t at; /* before this touch */
    uint32_t first, n;
    uint8_t kind; /* enum touch_event_kind */
};

struct touch_region {
    uint32_t first, end;
    enum vm_pager_advice advice;
};

struct vm_touches {
    uint32_t *touch; /* [n] the page, times two, plus one if it is written; a page touched twice
                        running is here once, or once more for its first write */
    uint64_t n, room;
    struct touch_event *event; /* [nevents] in order */
    uint64_t nevents, events_room;
    struct touch_region *region; /* [nregions] that there are from the beginning */
    size_t nregions;
    uint32_t pages_max;
    unsigned page_shift;
    char *origin, *name;
    struct vm_touches_info info;
};

#endif
