/* served.c - a program with two pagers that tell what they do: it prints "ready", then writes and
 * reads more than they may have resident until its input ends.
 *
 * Without userfaultfd it prints why there is none.
 */
#include <fcntl.h>
#include <pagoda/live.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT = 512 * 4096, BYTES = 4 * LIMIT };

static char *open_region(const char *policy, struct vm_live **l)
{
    struct vm_error e;
    *l = vm_live_open(
        &(struct vm_live_options){
            .limit_bytes = LIMIT, .policy = policy, .store = "lz4", .serve = VM_LIVE_SERVE_OWNER},
        &e);
    char *data = *l ? vm_live_map(*l, BYTES, &e) : NULL;
    if (!data)
        printf("%s\n", e.text);
    return data;
}

int main(void)
{
    struct vm_live *one, *other;
    char end;
    char *data = open_region("clock", &one), *more = data ? open_region("lru", &other) : NULL;
    if (!data || !more)
        return 0;
    printf("ready\n");
    fflush(stdout);
    fcntl(0, F_SETFL, O_NONBLOCK);
    for (size_t i = 0; read(0, &end, 1) != 0; i++) {
        data[i * 5 * 4096 % BYTES] = (char)i;
        more[i * 4096 % (LIMIT / 2)] = (char)i;
    }
    vm_live_close(one);
    vm_live_close(other);
    return 0;
}
