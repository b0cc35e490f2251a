/* keys.c - see keys.h. Interrupt and suspend are keys like others: a program that they ended would
 * leave the terminal without echo. */
#include "cli/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void keys_open(struct keys *k)
{
    const char *term = getenv("TERM");
    k->screen = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") &&
                tcgetattr(STDIN_FILENO, &k->before) == 0;
    if (!k->screen)
        return;
    struct termios raw = k->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    /* The other screen, so that this one comes back; long lines are cut, not broken. */
    fputs("\033[?1049h\033[?7l", stdout);
}

void keys_close(struct keys *k)
{
    if (!k->screen)
        return;
    fputs("\033[?7h\033[?1049l", stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &k->before);
    k->screen = false;
}

static int read_byte(void)
{
    unsigned char c;
    return read(STDIN_FILENO, &c, 1) == 1 ? c : KEY_END;
}

/* Behind an escape: "[A" and the like. An escape key of its own has nothing behind it. */
static int read_sequence(void)
{
    int waiting = 0;
    if (ioctl(STDIN_FILENO, FIONREAD, &waiting) != 0 || waiting == 0)
        return KEY_ESCAPE;
    if (read_byte() != '[')
        return KEY_OTHER;
    int c = read_byte();
    switch (c) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case '5':
    case '6':
        return read_byte() == '~' ? (c == '5' ? KEY_PAGE_UP : KEY_PAGE_DOWN) : KEY_OTHER;
    default:
        return KEY_OTHER;
    }
}

int keys_read(void)
{
    fflush(stdout);
    int c = read_byte();
    return c == KEY_ESCAPE ? read_sequence() : c;
}

void keys_size(unsigned *lines, unsigned *columns)
{
    struct winsize size = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    *lines = size.ws_row ? size.ws_row : 24;
    *columns = size.ws_col ? size.ws_col : 80;
}
