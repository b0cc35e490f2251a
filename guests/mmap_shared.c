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

enum { PAGE_MOST = 65536 };

/* Two pages, however long they are. */
static size_t two_pages(void)
{
    return 2 * (size_t)sysconf(_SC_PAGESIZE);
}

static char *map(int flags, int fd)
{
    return mmap(NULL, two_pages(), PROT_READ | PROT_WRITE, flags, fd, 0);
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
    static char text[2 * PAGE_MOST];
    char from_file[16] = "";
    size_t bytes = two_pages(), page = bytes / 2;
    memset(text, '.', bytes);
    int fd = open("mapped.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, bytes) != (ssize_t)bytes) {
        perror("mapped.tmp");
        return 1;
    }
    char *mapping[] = {map(MAP_SHARED, fd), map(MAP_PRIVATE, fd),
                       map(MAP_SHARED | MAP_ANONYMOUS, -1), map(MAP_PRIVATE | MAP_ANONYMOUS, -1)};
    memcpy(mapping[1] + page, "alone", 5);
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
    show("its second page:", mapping[0] + page);
    show("its private second page:", mapping[1] + page);
    munmap(mapping[0], bytes);
    unlink("mapped.tmp");
    show("private, file unlinked:", mapping[1] + 10);
    return 0;
}
