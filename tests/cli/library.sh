#!/usr/bin/env bash
# library.sh - a program that is not ours, with nothing but the public headers and libpagoda-live.
. "${BASH_SOURCE[0]%/*}/user.sh"

library=$PAGODA_LIVE_LIBRARY
folder=${library%/*}
if ldd "$library" | grep -q libasan; then
    skip "a library with sanitizers needs a program with them"
    finish
fi

names=$(nm -D --defined-only "$library" | awk '{print $3}')
like "$names" 'vm_live_map' "the library shows the pager"
is "$(grep -v '^vm_live_' <<<"$names")" "" "and nothing else"

cat >use.c <<'C'
#include <pagoda/live.h>
#include <stdio.h>

int main(void)
{
    struct vm_error e;
    struct vm_live *live = vm_live_open(&(struct vm_live_options){.limit_bytes = 8 << 20}, &e);
    unsigned char *data = live ? vm_live_map(live, 64 << 20, &e) : NULL;
    if (!data) {
        fprintf(stderr, "%s\n", e.text);
        return 77;
    }
    unsigned long sum = 0;
    struct vm_live_stats stats;
    for (size_t i = 0; i < 64 << 20; i += 512)
        data[i] = (unsigned char)(i >> 9);
    for (size_t i = 0; i < 64 << 20; i += 512)
        sum += data[i];
    vm_live_stats(live, &stats);
    printf("sum %lu, resident at most %lu of %lu pages\n", sum,
           (unsigned long)stats.limit_pages, (unsigned long)stats.mapped_pages);
    vm_live_close(live);
    return stats.resident_pages > stats.limit_pages;
}
C
run cc -std=c17 -Wall -Wextra -Werror -I"$PAGODA_SOURCE/include" use.c -L"$folder" \
    -lpagoda-live -Wl,-rpath,"$folder" -o use
exit_is 0 "it compiles by the public headers alone"
run ./use
if ((status == 77)); then
    skip "no pager here: $err"
else
    is "$out" "sum 16711680, resident at most 2048 of 16384 pages" \
        "it runs in an eighth of its memory"
    is "$status" 0 "and stays below the limit"
fi
finish
