/* mmap_shared.c - lesson: who sees what is written to a mapping.
 *
 *   shared, of a file       everybody who maps or reads the file
 *   private, of a file      only the process itself; the file stays as it is
 *   shared, anonymous       the process and its children
 *   private, anonymous      only the process itself
 *
 * It makes the file mapped.tmp where it begins, and removes it.
 *
 * Try:  pagoda run --writable --root . --trace faults -- guests/mmap_shared
 * See:  pages of the file are "mapped" without a transfer where the page cache has them already.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 8192 };

static char *map(int flags, int fd)
{
    return mmap(NULL, BYTES, PROT_READ | PROT_WRITE, flags, fd, 0);
}

static void show(const char *what, const char *bytes)
{
    printf("%-24s %.5s\n", what, bytes);
}

/* What the child writes through each of its mappings. */
static void write_all(char *const *mapping, int n)
{
    for (int i = 0; i < n; i++)
        memcpy(mapping[i] + 10, "child", 5);
}

int main(void)
{
    char text[BYTES], from_file[16] = "";
    memset(text, '.', sizeof text);
    int fd = open("mapped.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, sizeof text) != sizeof text) {
        perror("mapped.tmp");
        return 1;
    }
    char *mapping[] = {map(MAP_SHARED, fd), map(MAP_PRIVATE, fd),
                       map(MAP_SHARED | MAP_ANONYMOUS, -1), map(MAP_PRIVATE | MAP_ANONYMOUS, -1)};
    memcpy(mapping[1] + 4096, "alone", 5);
    memcpy(mapping[2], text, 32);
    memcpy(mapping[3], text, 32);
    pid_t child = fork();
    if (child == 0) {
        write_all(mapping, 1);
        write_all(mapping + 2, 2);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    show("shared file:", mapping[0] + 10);
    show("private file:", mapping[1] + 10); /* not written yet: it is the file's page */
    show("shared anonymous:", mapping[2] + 10);
    show("private anonymous:", mapping[3] + 10);
    pread(fd, from_file, 5, 10);
    show("read from the file:", from_file);
    pwrite(fd, "write", 5, 10);
    show("after a write, shared:", mapping[0] + 10);
    show("its second page:", mapping[0] + 4096);
    show("its private second page:", mapping[1] + 4096);
    munmap(mapping[0], BYTES);
    unlink("mapped.tmp");
    show("private, file unlinked:", mapping[1] + 10);
    return 0;
}
