/* run_corpus.c - replay inputs through a fuzz target without libFuzzer: `run_corpus DIRECTORY...`.
 *
 * Every file of each directory is one input, given in a block of exactly its size. A directory
 * without a file is an error, so that a lost corpus is noticed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return perror(path), 1;
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    uint8_t *data = malloc(n > 0 ? (size_t)n : 1);
    if (n < 0 || !data || fread(data, 1, (size_t)n, f) != (size_t)n) {
        fclose(f);
        free(data);
        return perror(path), 1;
    }
    fclose(f);
    LLVMFuzzerTestOneInput(data, (size_t)n);
    free(data);
    return 0;
}

static int run_directory(const char *path, unsigned *runs)
{
    struct dirent **entry;
    int failures = 0, n = scandir(path, &entry, NULL, alphasort);
    if (n < 0)
        return perror(path), 1;
    for (int i = 0; i < n; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.') {
            failures += run_file(name);
            ++*runs;
        }
        free(entry[i]);
    }
    free(entry);
    return failures;
}

int main(int argc, char **argv)
{
    int failures = 0;
    for (int i = 1; i < argc; i++) {
        unsigned runs = 0;
        failures += run_directory(argv[i], &runs) || runs == 0;
        printf("%s: %u inputs\n", argv[i], runs);
    }
    return failures || argc < 2;
}
