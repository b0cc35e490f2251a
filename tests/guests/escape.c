/* escape.c - a guest that tries to reach what is outside of its root.
 *
 * The root has inside.txt ("inside") and a/b; beside the root, on the host, is outside.txt
 * ("outside"), whose absolute path on the host is the argument. Whatever it reads is printed, so
 * that a test sees "outside" if there is a way.
 *
 * It makes links; where it may not, it uses those that it finds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void show(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY);
    if (fd >= 0)
        (void)!read(fd, text, sizeof text - 1);
    text[strcspn(text, "\n")] = 0;
    printf("%-40.40s %s\n", path[0] == '/' && strlen(path) > 40 ? "(outside)" : path,
           fd < 0 ? strerror(errno) : text);
    close(fd);
}

static void show_links(const char *outside)
{
    static const char *const links[][2] = {
        {"../outside.txt", "up"},   {"../../../outside.txt", "a/b/up"},
        {"/../inside.txt", "root"}, {"a/b", "middle"},
        {"loop", "loop"},           {"..", "a/b/parent"},
    };
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        (void)!symlink(links[i][0], links[i][1]);
    (void)!symlink(outside, "absolute");
    show("up");
    show("a/b/up");
    show("root");
    show("absolute");
    show("middle/../../inside.txt");
    show("middle/../../../outside.txt");
    show("a/b/parent/parent/../inside.txt");
    show("loop");
}

/* Changes through a link that leads out. */
static void change_links(void)
{
    struct stat s;
    printf("chmod of a link that leads out: %s\n",
           chmod("absolute", 0600) == 0 ? "done" : strerror(errno));
    printf("truncate: %s\n", truncate("absolute", 0) == 0 ? "done" : strerror(errno));
    printf("stat: %s\n", stat("absolute", &s) == 0 ? "done" : strerror(errno));
    printf("rename to outside: %s\n",
           rename("inside.txt", "../../outside.txt") == 0 ? "done" : strerror(errno));
    show("/outside.txt"); /* the root's own: ".." of it is itself */
    rename("/outside.txt", "inside.txt");
}

int main(int argc, char **argv)
{
    char cwd[256] = "";
    if (argc != 2)
        return 2;
    show("inside.txt");
    show("../inside.txt");
    show("/../../inside.txt");
    show("a/b/../../../../../inside.txt");
    show("../outside.txt");
    show(argv[1]);
    show("/proc/self/root/inside.txt");
    show("/proc/self/mem");
    show("/proc/1/mem");
    show("/proc/self/fd/0");
    show_links(argv[1]);
    change_links();
    printf("chdir ../..: %d, cwd %s\n", chdir("../.."), getcwd(cwd, sizeof cwd));
    printf("chdir a/b: %d, cwd %s\n", chdir("a/b"), getcwd(cwd, sizeof cwd));
    show("../../../outside.txt");
    return 0;
}
