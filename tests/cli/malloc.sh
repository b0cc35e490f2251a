#!/usr/bin/env bash
# malloc.sh - libpagoda-malloc: a program that tries all of malloc, and real programs, whose output
# is as it is without it, by every heap.
. "${BASH_SOURCE[0]%/*}/user.sh"

# by HEAP COMMAND...
by() {
    run env LD_PRELOAD="$PAGODA_MALLOC_LIBRARY" PAGODA_MALLOC="$1" "${@:2}"
}

if ldd "$PAGODA_ALLOCATE" | grep -q libasan; then
    skip "sanitizers have a malloc of their own"
    finish
fi

heaps=$("$PAGODA" list heaps --json | python3 -c 'import json, sys
print(*(h["name"] for h in json.load(sys.stdin)["heaps"]))')
cat >some.py <<'PYTHON'
import collections, json
d = {"k%d" % i: [i, str(i) * 3] for i in range(20000)}
text = json.dumps(d)
print(len(d), len(text), json.loads(text) == d, collections.Counter(i % 7 for i in range(9999)))
pile = [bytearray(i % 5000) for i in range(5000)]
del pile[::2]
print(sum(map(len, pile)))
PYTHON
cat >some.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node { struct node *left, *right; char name[32]; };
static struct node *grow(int depth) {
    struct node *n = calloc(1, sizeof *n);
    if (n && depth) { n->left = grow(depth - 1); n->right = grow(depth - 1); }
    snprintf(n->name, sizeof n->name, "node %d", depth);
    return n;
}
int main(void) { struct node *n = grow(10); puts(n->left->name); return (int)strlen(n->name); }
C
printf '%s\n' 'create table t(a integer primary key, b text);' \
    'with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)' \
    "insert into t select i, 'row ' || i from n;" 'create index by_b on t(b);' \
    "select count(*), sum(length(b)), max(b) from t where b like 'row 1%';" >some.sql

programs() { # the command lines that there are
    echo "python3 some.py"
    command -v sqlite3 >/dev/null && echo "sqlite3 -init /dev/null :memory: .read\\ some.sql"
    command -v gcc >/dev/null && echo "gcc -O2 -S -o - some.c"
    command -v perl >/dev/null && echo "perl -e 'print join(q(,), map {\$_ * 2} 1 .. 20000)'"
    echo "sort -r $PAGODA_TESTS/cli/tap.sh"
}

for heap in $heaps; do
    by "$heap" "$PAGODA_ALLOCATE"
    is "$out$err" fine "all of malloc, by $heap"
    while read -r program; do
        eval "run $program"
        plain=$out
        eval "by $heap $program"
        [[ $out == "$plain" && $status == 0 ]]
        tap_line $? "${program%% *} says the same by $heap" "exit status $status" "$err"
    done < <(programs)
done
by best-fit:order=size,notes=header,coalesce=deferred "$PAGODA_ALLOCATE"
is "$out$err" fine "a heap with parameters"
run env LD_PRELOAD="$PAGODA_MALLOC_LIBRARY" PAGODA_MALLOC_STATS=1 sort /dev/null
like "$err" 'pagoda-malloc: segregated, arenas [0-9]+: takes [0-9]+' "what became of memory is told"

by segregated "$PAGODA_ALLOCATE" twice
((status == 134))
tap_line $? "a block that is freed twice ends the program" "exit status $status"
like "$err" 'pagoda-malloc: free\(0x[0-9a-f]+\): free twice' "with a line that says so"
by tlsf "$PAGODA_ALLOCATE" stranger
like "$err" 'pagoda-malloc: free\(0x[0-9a-f]+\): not a block' "as does what malloc never gave"
by segregatd true
exit_is 2 "a heap that there is not"
like "$err" '^pagoda-malloc: PAGODA_MALLOC=segregatd: unknown heap' "is named"
like "$err" '^hint: .*segregated' "with the nearest one"
finish
