/* keys.h - a terminal of which each key is read at once, and what stands on it is drawn anew.
 *
 * Where standard input or output is no terminal, lines are read and nothing is drawn over.
 */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct keys {
    bool screen; /* keys and a screen; else lines */
    struct termios before;
};

/* Keys beside their characters. */
enum { KEY_END = -1, KEY_UP = 256, KEY_DOWN, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_OTHER };
#define KEY_ESCAPE    27
#define KEY_BACKSPACE 127
#define KEY_INTERRUPT 3

void keys_open(struct keys *k);
void keys_close(struct keys *k); /* the terminal is as it was */
/* The next key of a screen, or KEY_END. */
int keys_read(void);
/* Lines and columns of the screen. */
void keys_size(unsigned *lines, unsigned *columns);

#endif
