/* replay.c - runs a fuzz target once over each input of its corpus, without libFuzzer.
 *
 * Linked with one fuzz_NAME.c, it is an ordinary test program: each file of the folder given as
 * argument is one TAP test. An input that crashes ends the program, which the tally takes for a
 * failure; its name is the last line.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The file's content in a block of exactly its size, so that a sanitizer sees a read past it. */
static uint8_t *load(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    *bytes = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*bytes ? *bytes : 1);
    if (data && fread(data, 1, *bytes, file) != *bytes) {
        free(data);
        data = NULL;
    }
    fclose(file);
    return data;
}

static bool replay(const char *folder, const char *name)
{
    char path[4096];
    size_t bytes = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    uint8_t *data = load(path, &bytes);
    if (!data)
        return false;
    LLVMFuzzerTestOneInput(data, bytes);
    free(data);
    return true;
}

int main(int argc, char **argv)
{
    struct dirent **input = NULL;
    int n = argc == 2 ? scandir(argv[1], &input, is_input, alphasort) : -1;
    if (n <= 0) {
        printf("1..1\nnot ok 1 - a corpus with inputs in %s\n",
               argc == 2 ? argv[1] : "(no folder)");
        return 1;
    }
    bool all = true;
    printf("1..%d\n", n);
    for (int i = 0; i < n; i++) {
        printf("# %s\n", input[i]->d_name);
        fflush(stdout);
        bool ran = replay(argv[1], input[i]->d_name);
        printf("%s %d - %s\n", ran ? "ok" : "not ok", i + 1, input[i]->d_name);
        all = all && ran;
        free(input[i]);
    }
    free(input);
    return all ? 0 : 1;
}
