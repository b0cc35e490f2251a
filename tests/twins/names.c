/* names.c - a twin: what names of files are changed to, and what descriptors are. */
#include "twin.h"

#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/xattr.h>

static void make(const char *name, const char *text)
{
    int f = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    (void)!write(f, text, strlen(text));
    close(f);
}

static void say_text(const char *name)
{
    char text[100] = "";
    int f = open(name, O_RDONLY);
    ssize_t n = f < 0 ? -1 : read(f, text, sizeof text - 1);
    if (n < 0)
        said(name, -1);
    else
        say("%s has \"%s\"", name, text);
    close(f);
}

static long links(const char *name)
{
    struct stat s;
    return lstat(name, &s) == 0 ? (long)s.st_nlink : -1;
}

static void rename_them(void)
{
    make("one", "1");
    make("two", "2");
    said("not over another", renameat2(AT_FDCWD, "one", AT_FDCWD, "two", RENAME_NOREPLACE));
    said("each other's", renameat2(AT_FDCWD, "one", AT_FDCWD, "two", RENAME_EXCHANGE));
    say_text("one");
    say_text("two");
    said("with nothing", renameat2(AT_FDCWD, "one", AT_FDCWD, "three", RENAME_EXCHANGE));
    said("both", renameat2(AT_FDCWD, "one", AT_FDCWD, "three", RENAME_EXCHANGE | RENAME_NOREPLACE));
    said("flags", renameat2(AT_FDCWD, "one", AT_FDCWD, "three", 64));
    said("a new name", renameat2(AT_FDCWD, "one", AT_FDCWD, "three", RENAME_NOREPLACE));
    say_text("three");
    said("over another", rename("three", "two"));
    say_text("two");
    mkdir("folder", 0755);
    said("the root", mkdir("/", 0755));
    said("what is above", mkdir("..", 0755));
    said("a link there", symlink("one", "/"));
    said("a folder over a file", rename("folder", "two"));
    said("into itself", rename("folder", "folder/inner"));
}

static void link_them(void)
{
    make("file", "text");
    said("symlink", symlink("file", "pointer"));
    said("link to the link", linkat(AT_FDCWD, "pointer", AT_FDCWD, "hard1", 0));
    said("link to what it is of",
         linkat(AT_FDCWD, "pointer", AT_FDCWD, "hard2", AT_SYMLINK_FOLLOW));
    say("%ld %ld", links("pointer"), links("file"));
    said("again", linkat(AT_FDCWD, "pointer", AT_FDCWD, "hard2", AT_SYMLINK_FOLLOW));
    said("flags", linkat(AT_FDCWD, "file", AT_FDCWD, "hard3", 1));
    said("a folder", link("folder", "folder2"));
    said("nothing", link("nothing", "folder2"));
    int f = open(".", O_TMPFILE | O_RDWR, 0600);
    said("one without a name", write(f, "hidden", 6));
    char itself[64];
    snprintf(itself, sizeof itself, "/proc/self/fd/%d", f);
    said("gets one", linkat(f, "", AT_FDCWD, "found", AT_EMPTY_PATH));
    say_text("found");
    close(f);
    said("no folder", open("file", O_TMPFILE | O_RDWR, 0600));
    said("only to be read", open(".", O_TMPFILE | O_RDONLY, 0600));
    said("unlink, flags", unlinkat(AT_FDCWD, "file", 1));
    said("a folder is none", unlinkat(AT_FDCWD, "folder", 0));
    said("a file is none", unlinkat(AT_FDCWD, "file", AT_REMOVEDIR));
}

static void date_them(void)
{
    struct timespec times[2] = {{1000000, 5}, {2000000, 7}};
    struct stat s;
    said("of a link", utimensat(AT_FDCWD, "pointer", times, AT_SYMLINK_NOFOLLOW));
    lstat("pointer", &s);
    say("%ld %ld", (long)s.st_mtim.tv_sec, (long)s.st_mtim.tv_nsec);
    times[0].tv_sec++;
    times[1].tv_nsec = UTIME_OMIT;
    make("dated", "");
    symlink("dated", "to dated");
    said("of what it is of", utimensat(AT_FDCWD, "to dated", times, 0));
    stat("dated", &s);
    say("%ld %ld, %d", (long)s.st_atim.tv_sec, (long)s.st_atim.tv_nsec, s.st_mtim.tv_sec > 2000000);
    times[0].tv_nsec = 1000000000;
    said("no such time", utimensat(AT_FDCWD, "dated", times, 0));
    said("flags", utimensat(AT_FDCWD, "dated", NULL, 1));
    said("nothing", utimensat(AT_FDCWD, "nothing", NULL, 0));
}

static void rights(void)
{
    struct stat s;
    umask(077);
    make("mine", "");
    mkdir("my folder", 0777);
    stat("mine", &s);
    say("%o", s.st_mode);
    stat("my folder", &s);
    say("%o", s.st_mode);
    say("%o", umask(022));
    said("fchmodat", fchmodat(AT_FDCWD, "mine", 04755, 0));
    stat("mine", &s);
    say("%o", s.st_mode);
    int d = open("my folder", O_RDONLY);
    said("of a folder", fchmod(d, 0711));
    stat("my folder", &s);
    say("%o", s.st_mode);
    close(d);
    said("nothing", chmod("nothing", 0600));
}

static void descriptors(void)
{
    char c;
    int f = open("two", O_RDONLY);
    for (int i = 10; i < 20; i++)
        dup2(f, i);
    said("close_range, to be closed later", close_range(12, 14, CLOSE_RANGE_CLOEXEC));
    say("%d %d %d", fcntl(11, F_GETFD), fcntl(12, F_GETFD), fcntl(15, F_GETFD));
    said("close_range", close_range(13, 17, 0));
    said("12", read(12, &c, 1));
    said("15", read(15, &c, 1));
    said("18", read(18, &c, 1));
    said("backwards", close_range(9, 8, 0));
    said("flags", close_range(9, 10, 64));
    said("unshare", close_range(18, 18, CLOSE_RANGE_UNSHARE));
    said("18", read(18, &c, 1));
    said("dup3 onto itself", dup3(f, f, 0));
    said("dup3, flags", dup3(f, 30, 1));
    said("dup3", dup3(f, 30, O_CLOEXEC));
    say("%d", fcntl(30, F_GETFD));
    said("dupfd", fcntl(f, F_DUPFD_CLOEXEC, 40));
    say("%d", fcntl(40, F_GETFD));
    said("dupfd, below nothing", fcntl(f, F_DUPFD, -1));
    said("no such command", fcntl(f, 9999, 0));
    close_range(3, ~0U, 0);
}

static void of_memory(void)
{
    int f = memfd_create("scratch", MFD_CLOEXEC);
    say("%d", fcntl(f, F_GETFD));
    said("ftruncate", ftruncate(f, 8192));
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    said("pwrite", pwrite(f, "seen", 4, 4096));
    say("%.4s", map + 4096);
    pid_t pid = fork();
    if (pid == 0) {
        map[0] = 'x';
        _exit(0);
    }
    ended(pid);
    char c;
    said("pread", pread(f, &c, 1, 0));
    say("%c", c);
    said("flags", memfd_create("scratch", 0x4000));
    said("nowhere", syscall(SYS_memfd_create, 8, 0));
    close(f);
}

static void attributes(void)
{
    char value[10];
    said("of nothing", getxattr("nothing", "user.none", value, sizeof value) == -1);
    said("listed", listxattr("two", NULL, 0) <= 0);
}

int main(void)
{
    umask(022);
    rename_them();
    link_them();
    date_them();
    rights();
    descriptors();
    of_memory();
    attributes();
    return 0;
}
