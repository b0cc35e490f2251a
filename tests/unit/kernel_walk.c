/* kernel_walk.c - paths below a root, walked by hand and by the host's openat2: the same files, and
 * none outside.
 */
#include "base/random.h"
#include "kernel/kernel.h"
#include "rounds.h"

#include "unit/folder.h"
#include "unit/test.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/*  folder/outside, folder/elsewhere/outside
 *  folder/root/inside, a/b/deep, and links: good ones, and such as lead out of the root
 */
struct world {
    struct folder folder;
    int root;
};

static const char *const links[][2] = {
    {"up", "../outside"},
    {"a/up", "../../outside"},
    {"a/b/far", "../../../../../outside"},
    {"absolute", "/inside"},
    {"a/back", ".."},
    {"self", "."},
    {"a/b/root", "/"},
    {"to_b", "a/b"},
    {"to_deep", "to_b/deep"},
    {"a/b/chain", "/to_deep"},
    {"loop", "loop"},
    {"one", "two"},
    {"two", "one"},
    {"dangling", "new"},
    {"a/rooted", "/../../inside"},
    {"sneaky", "a/../../up"},
    {"slashes", "//a///b//"},
    {"a/elsewhere", "../../elsewhere"},
    {"through", "inside/deep"},
    {"to_absolute", "absolute"},
};

static void write_file(const struct world *w, const char *name, const char *text)
{
    char path[256];
    FILE *file = fopen(folder_path(&w->folder, name, path), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_folder(const struct world *w, const char *name)
{
    char path[256];
    assert_int_equal(mkdir(folder_path(&w->folder, name, path), 0700), 0);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    char path[256];
    w->folder = folder_new();
    make_folder(w, "root");
    make_folder(w, "root/a");
    make_folder(w, "root/a/b");
    make_folder(w, "elsewhere");
    write_file(w, "outside", "outside");
    write_file(w, "elsewhere/outside", "outside");
    write_file(w, "root/inside", "inside");
    write_file(w, "root/a/b/deep", "deep");
    w->root = open(folder_path(&w->folder, "root", path), O_PATH | O_DIRECTORY);
    assert_true(w->root >= 0);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        assert_int_equal(symlinkat(links[i][1], w->root, links[i][0]), 0);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    char command[512];
    close(w->root);
    snprintf(command, sizeof command, "rm -r %s", w->folder.path);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

/* ---- against the host ---- */

static bool host_can(const struct world *w)
{
    struct open_how how = {.flags = O_PATH, .resolve = RESOLVE_IN_ROOT};
    long fd = syscall(SYS_openat2, w->root, ".", &how, sizeof how);
    if (fd >= 0)
        close((int)fd);
    return fd >= 0;
}

static int open_by_host(const struct world *w, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    long fd = syscall(SYS_openat2, w->root, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

/* Which file it is, and close it; 0: none. */
static uint64_t identity(int fd)
{
    struct stat s;
    if (fd < 0)
        return 0;
    assert_int_equal(fstat(fd, &s), 0);
    close(fd);
    return s.st_ino;
}

static uint64_t outside(const struct world *w, const char *name)
{
    char path[256];
    struct stat s;
    assert_int_equal(stat(folder_path(&w->folder, name, path), &s), 0);
    return s.st_ino;
}

static void draw_path(struct vm_random *random, char *out, size_t cap)
{
    static const char *const parts[] = {
        "..",      ".",        "a",         "b",       "inside",  "deep",    "up",      "far",
        "back",    "self",     "root",      "to_b",    "chain",   "loop",    "rooted",  "sneaky",
        "to_deep", "absolute", "elsewhere", "outside", "missing", "slashes", "through", "one"};
    unsigned n = 1 + (unsigned)vm_random_below(random, 7);
    size_t length = 0;
    out[0] = 0;
    for (unsigned i = 0; i < n; i++)
        length += (size_t)snprintf(out + length, cap - length, "/%s",
                                   parts[vm_random_below(random, sizeof parts / sizeof parts[0])]);
}

/* The one difference that is allowed: a file is taken for a directory by ".." behind it, where the
 * host says ENOTDIR. Either way it is below the root. */
static bool goes_up_from_a_file(int host)
{
    return host == -ENOTDIR;
}

static void a_walked_path_is_the_file_that_the_host_finds(void **state)
{
    const struct world *w = *state;
    struct vm_random random;
    unsigned found = 0;
    vm_random_seed(&random, 20);
    if (!host_can(w))
        skip();
    for (unsigned i = test_rounds(20000); i-- > 0;) {
        char path[256];
        static const int kinds[] = {O_PATH, O_PATH | O_NOFOLLOW, O_RDONLY, O_PATH | O_DIRECTORY};
        int flags = kinds[vm_random_below(&random, 4)];
        draw_path(&random, path, sizeof path);
        int host = open_by_host(w, path, flags), walked = vm_path_walk(w->root, path, flags, 0);
        if (host < 0 && !goes_up_from_a_file(host)) {
            if (walked != host)
                print_message("# %s, flags %x: %d, expected %d\n", path, flags, walked, host);
            assert_int_equal(walked, host);
        }
        uint64_t its = identity(host), ours = identity(walked);
        if (its && ours != its)
            print_message("# %s, flags %x\n", path, flags);
        if (its)
            assert_int_equal(ours, its);
        assert_int_not_equal(ours, outside(w, "outside"));
        assert_int_not_equal(ours, outside(w, "elsewhere"));
        assert_int_not_equal(ours, outside(w, "elsewhere/outside"));
        found += its != 0;
    }
    assert_true(found > 100);
}

/* ---- by example ---- */

static uint64_t walk(const struct world *w, const char *path, int flags)
{
    return identity(vm_path_walk(w->root, path, flags, 0600));
}

static void dots_do_not_leave_the_root(void **state)
{
    const struct world *w = *state;
    uint64_t root = outside(w, "root"), inside = outside(w, "root/inside");
    assert_int_equal(walk(w, "/..", O_PATH), root);
    assert_int_equal(walk(w, "/../../..", O_PATH), root);
    assert_int_equal(walk(w, "/a/../../../inside", O_RDONLY), inside);
    assert_int_equal(walk(w, "/", O_PATH), root);
    assert_int_equal(vm_path_walk(w->root, "/../outside", O_RDONLY, 0), -ENOENT);
}

static void links_do_not_leave_the_root(void **state)
{
    const struct world *w = *state;
    uint64_t inside = outside(w, "root/inside");
    assert_int_equal(walk(w, "/absolute", O_RDONLY), inside);
    assert_int_equal(walk(w, "/to_absolute", O_RDONLY), inside);
    assert_int_equal(walk(w, "/a/rooted", O_RDONLY), inside);
    assert_int_equal(walk(w, "/a/b/root/a/b/root/inside", O_RDONLY), inside);
    assert_int_equal(vm_path_walk(w->root, "/up", O_RDONLY, 0), -ENOENT);
    assert_int_equal(vm_path_walk(w->root, "/a/elsewhere/outside", O_RDONLY, 0), -ENOENT);
    assert_int_equal(vm_path_walk(w->root, "/loop", O_RDONLY, 0), -ELOOP);
    assert_int_equal(vm_path_walk(w->root, "/one/inside", O_RDONLY, 0), -ELOOP);
}

static void what_is_made_is_below_the_root(void **state)
{
    const struct world *w = *state;
    int flags = O_RDWR | O_CREAT;
    uint64_t made = walk(w, "/dangling", flags); /* through the link */
    assert_int_not_equal(made, 0);
    assert_int_equal(made, outside(w, "root/new"));
    made = walk(w, "/up", flags); /* ../outside: the root's own */
    assert_int_equal(made, outside(w, "root/outside"));
    assert_int_not_equal(made, outside(w, "outside"));
}

static void a_path_too_long_or_too_deep_is_refused(void **state)
{
    const struct world *w = *state;
    char longest[PATH_BYTES + 8];
    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    longest[PATH_BYTES] = 0;
    assert_int_equal(vm_path_walk(w->root, longest, O_PATH, 0), -ENAMETOOLONG);
    for (size_t i = 0; i + 5 < PATH_BYTES; i += 5)
        memcpy(longest + i, "/self", 6);
    assert_int_equal(vm_path_walk(w->root, longest, O_PATH, 0), -ELOOP);
    int before = dup(0); /* no descriptor is left behind by any of it */
    assert_int_equal(vm_path_walk(w->root, "/a/b/a/b/a", O_PATH, 0), -ENOENT);
    int after = dup(0);
    assert_int_equal(after, before + 1);
    close(before);
    close(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_walked_path_is_the_file_that_the_host_finds, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(dots_do_not_leave_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_do_not_leave_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_made_is_below_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_path_too_long_or_too_deep_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
