/* heap_play.h - requests as preload/heap_play.c reads them: a head, then so many of them. */
#ifndef BASE_HEAP_PLAY_H
#define BASE_HEAP_PLAY_H

#include <stdbool.h>
#include <stdint.h>

enum play_kind { PLAY_TAKE, PLAY_GIVE, PLAY_CHANGE };

struct play_head {
    uint64_t requests, blocks;
};

struct play_request {
    uint64_t bytes;
    uint32_t block;
    uint8_t kind; /* enum play_kind */
    uint8_t align_shift;
    uint16_t unused;
};

#endif
