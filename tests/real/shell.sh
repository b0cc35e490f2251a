#!/usr/bin/env bash
# shell.sh - busybox's shell runs scripts: pipes, redirection, background jobs, signals, a tree of
# files and the tools that walk it.
. "${BASH_SOURCE[0]%/*}/real.sh"
needs busybox
# shellcheck disable=SC2046 # a list of words
program busybox $("$qemu" "$real/busybox" --list | grep -vx busybox)

cat >world/desk/words.sh <<'END'
echo one two three | wc -w
for i in 3 1 2; do echo $i; done | sort > out.txt
cat out.txt
wc out.txt > output.txt; cat output.txt
cat <<X
here $((6 * 7)) $(echo sub | tr a-z A-Z) `echo old style`
X
tr a-z A-Z <<'X' | rev
$not a variable
X
{ echo to out; echo to err >&2; } 2>&1 >/dev/null | sed 's/^/caught: /'
echo more >> output.txt; wc -l < output.txt
f() { local x=$1; [ $x -le 1 ] && echo 1 || echo $((x * $(f $((x - 1))))); }
f 8
case $(echo a.tar.gz) in *.gz) echo gzip;; *) echo no;; esac
x=a/b/c.txt; echo ${x##*/} ${x%.*} ${#x} ${y:-unset}
printf '%05d %s %x\n' 42 text 255
set -- a 'b c' d; for i in "$@"; do echo "<$i>"; done; shift 2; echo $# $1
false || echo or; true && echo and; ! false; echo $?
seq 10 | tac | paste -s -d+ | bc
yes | head -n 3
echo abc | (read x; echo "read $x")
ls nothing; echo $?
nosuchprogram; echo $?
exec 3>three; echo through 3 >&3; exec 3>&-; cat three
END
# Whether a shell sees a job end, and tells of it, before it is asked to wait is a matter of time.
cat >world/desk/jobs.sh <<'END'
exec 2>/dev/null
(sleep 1; echo later) & first=$!
echo now; wait $first; echo $?
sleep 100 & kill $!; wait $!; echo $?
trap 'echo trapped' USR1; kill -USR1 $$; echo after
(trap 'echo leaving' EXIT; exit 3); echo $?
for i in 1 2 3 4; do (exit $i) & done; wait; echo all
sleep 5 & first=$!; sleep 5 & jobs | wc -l; kill $first; wait $first; kill %2; wait $!; echo $?
timeout 1 sleep 50; echo $?
(kill -SEGV $(exec sh -c 'echo $PPID')); echo $?
(ulimit -c 0; kill -9 $(exec sh -c 'echo $PPID')); echo $?
cat /dev/zero | head -c 300000 | wc -c
END
cat >world/desk/tree.sh <<'END'
mkdir -p d/e/f; i=0
while [ $i -lt 12 ]; do i=$((i + 1)); seq $i 300 > d/e/$i; done
cp d/e/7 d/e/f/seven; ln -s ../7 d/e/f/link; ln d/e/8 d/eight; chmod 640 d/e/9
find d -type f | sort | xargs md5sum
find d -type l -o -perm 640 | sort
find d -name '*1*' -exec wc -l {} \; | sort
find d -exec touch -h -d '2020-01-02 03:04:05' {} +
tar cf d.tar d; md5sum < d.tar; gzip -k d.tar; gzip -dc d.tar.gz | md5sum
bzip2 -k d.tar; bunzip2 -c d.tar.bz2 | sha1sum; tar tf d.tar | wc -l
mkdir x
(cd x && tar xzf ../d.tar.gz && find . | sort; readlink d/e/f/link; cat d/e/f/link | tail -n 1)
diff -r d x/d && echo equal
grep -c 5 d/e/[0-9]*; grep -rl 299 d | sort | head -n 3
sed -n '2,4s/\([0-9]\)$/<\1>/p' d/e/3; sed -i 's/^1/one /' d/e/1; head -n 2 d/e/1
awk '{s += $1; n[$1 % 7]++} END {print s, NR
    for (i = 0; i < 7; i++) printf "%d ", n[i]; print ""}' d/e/[0-9]*
sort -rn d/e/5 | uniq -w 1 | cut -c 1-2 | head -n 4 | od -c
du -s x > /dev/null; stat -c '%s %a %h %F' d/e/9 d/eight d/e/f/link; cmp d/e/1 d/e/2
dd if=d.tar of=part bs=1000 skip=3 count=5 2> /dev/null; wc -c part; truncate -s 12345 part
md5sum part; split -l 100 d/e/1 piece.; cat piece.* | cmp - d/e/1 && echo joined
mv d/e/f/seven moved; rm -r x; rmdir x; test -e x || echo gone; ls -a d/e | sort | tr '\n' ' '
date -u -d @86400; touch -d @86400 moved; test moved -ot d.tar && echo older
echo 'text to hide' | base64 | base64 -d; expr 6 \* 7; cal 2 2024; factor 360360
rm d.tar* ; ls -l | awk '{print $1, $2, $9}' | grep -v total
END
both "words, pipes, here-documents" busybox sh words.sh
both "jobs and signals" busybox sh jobs.sh
both "a tree of files" busybox sh tree.sh
squeezed busybox sh tree.sh
again "with pages through TLBs and tables" --model tlb -- busybox sh tree.sh
if [[ $size == full ]]; then
    for sched in fifo mlfq stride cfs; do
        again "jobs under $sched" --sched "$sched" -- busybox sh tree.sh
    done
fi
finish
