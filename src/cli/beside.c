/* beside.c - see beside.h. */
#include "cli/beside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool beside_find(const char *name, char out[BESIDE_PATH], struct vm_error *e)
{
    static const char *const places[] = {"%.*s/preload/%s", "%.*s/../lib/pagoda/%s",
                                         "%.*s/../lib/x86_64-linux-gnu/pagoda/%s"};
    char self[3000], path[BESIDE_PATH];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(self, '/');
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, sizeof path, places[i], slash ? (int)(slash - self) : 0, self, name);
        if (realpath(path, out))
            return true;
    }
    return vm_fail(e, VM_ESYSTEM,
                   "%s: not found: expected it in preload/ beside the program, or in lib/pagoda",
                   name);
}
