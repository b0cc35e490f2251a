#!/usr/bin/env bash
# proc.sh - busybox's tools that look at processes find Pagoda's, and no others.
. "${BASH_SOURCE[0]%/*}/real.sh"
needs busybox
# shellcheck disable=SC2046 # a list of words
program busybox $("$qemu" "$real/busybox" --list | grep -vx busybox)

# shows NAME REGEX COMMAND: the shell's command under Pagoda says a line that matches.
shows() {
    ours sh -c "$3"
    [[ $(cat ours.out ours.err) =~ $2 ]]
    tap_line $? "$1" "it said:" "$(cat ours.out ours.err)"
}

shows "ps lists who is there, by command and parent" $'1 +0 S +/bin/sh -c.*\n +2 +1 S +sleep 9' \
    'sleep 9 & ps -o pid,ppid,stat,args; kill $!'
shows "a zombie is one" ' Z .*sleep' 'sleep 0 & exec top -b -n2 -d1'
shows "top has them, too" $'PID +PPID.*\n.* S .* sleep 9' 'sleep 9 & top -b -n1; kill $!'
shows "pidof finds a process" '^2$' 'sleep 9 & pidof sleep; kill $!'
shows "killall ends it" '^143$' 'sleep 9 & killall sleep; wait $!; echo $?'
shows "pgrep goes by its name" '^2$' 'sleep 9 & pgrep -x sleep; kill $!'
shows "free shows the machine's memory" 'Mem: +65536 ' free
shows "uptime goes by the kernel's clock" '00:02:0. up 2 min' 'sleep 120; uptime'
shows "mount names the root" 'root on / type pagoda \(rw\)' mount
shows "a descriptor has a name" '/desk/kept$' 'exec 7>kept; readlink /proc/self/fd/7'
shows "fuser finds who has a file open" '^ *2 ' \
    'tail -f kept & touch kept; fuser /desk/kept; kill $!'
finish
