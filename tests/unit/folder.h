/* folder.h - a temporary folder for a test's files, and whole files read and written. */
#ifndef UNIT_FOLDER_H
#define UNIT_FOLDER_H

#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct folder {
    char path[64];
};

static inline struct folder folder_new(void)
{
    struct folder f = {"/tmp/pagoda-test-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    return f;
}

/* The path of `name` in the folder, into out[256]. */
static inline const char *folder_path(const struct folder *f, const char *name, char *out)
{
    snprintf(out, 256, "%s/%s", f->path, name);
    return out;
}

/* The folder's entries: how many, and remove each if `each` says so. */
static inline size_t folder_walk(const struct folder *f, int (*each)(const char *path))
{
    DIR *entries = opendir(f->path);
    size_t n = 0;
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        char path[512];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(path, sizeof path, "%s/%s", f->path, entry->d_name);
        if (each)
            assert_int_equal(each(path), 0);
        n++;
    }
    closedir(entries);
    return n;
}

static inline void folder_remove(const struct folder *f)
{
    folder_walk(f, unlink);
    assert_int_equal(rmdir(f->path), 0);
}

static inline void file_write(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* The whole file, to be freed by the caller; *bytes its size. */
static inline uint8_t *file_read(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *bytes = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*bytes + 1);
    assert_int_equal(fread(data, 1, *bytes, file), *bytes);
    fclose(file);
    return data;
}

static inline void assert_file_holds(const char *path, const void *data, size_t bytes)
{
    size_t got;
    uint8_t *held = file_read(path, &got);
    assert_int_equal(got, bytes);
    assert_memory_equal(held, data, bytes);
    free(held);
}

#endif
