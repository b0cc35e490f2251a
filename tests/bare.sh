#!/usr/bin/env bash
# bare.sh - proves that a verb of ./dev works on a bare Debian: nothing but the essential packages.
#
#     tests/bare.sh [--keep] [VERB [ARGUMENTS]]        the default verb is test
#
# Makes such a system with debootstrap, from the mirror that this system's own apt uses, copies the
# project in (without its builds and .git), and runs the verb there as root, with no standard input.
# Needs root, debootstrap and a Debian of its own; takes some 300 MB, and a minute before the
# verb starts. --keep leaves the system in its folder, whose name is printed, to look around.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)

keep=''
if [[ ${1:-} == --keep ]]; then
    keep=yes
    shift
fi
((EUID == 0)) || { echo "bare.sh: must be root to make a system" >&2 && exit 1; }
command -v debootstrap >/dev/null || { echo "bare.sh: apt-get install debootstrap" >&2 && exit 1; }

# "URI codename component" of each of this system's own Debian sources.
sources() {
    apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' \
        "Identifier: Packages" | sed -n 's/^Debian //p' | sort -u
}

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(sources | awk -v name="$codename" '$2 == name { print $1; exit }')
[[ -n $mirror ]] || { echo "bare.sh: apt has no source of Debian $codename here" >&2 && exit 1; }

bare=$(mktemp -d "${TMPDIR:-/tmp}/pagoda-bare.XXXXXX")
# shellcheck disable=SC2317 # trap calls it
leave() {
    umount "$bare/proc" 2>/dev/null || true
    if [[ -n $keep ]]; then
        echo "bare.sh: the system is in $bare"
    else
        rm -rf --one-file-system "$bare"
    fi
}
trap leave EXIT

echo "bare.sh: Debian $codename, minimal, from $mirror"
debootstrap --variant=minbase "$codename" "$bare" "$mirror" >"$bare.log" 2>&1 ||
    { tail -n 20 "$bare.log" && exit 1; }
rm -f "$bare.log"

# How this system reaches its mirror: sources, proxies, certificates' dates.
sources | sed 's/^/deb /' >"$bare/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' \
    >"$bare/etc/apt/apt.conf.d/90host" || true
cp -L /etc/resolv.conf /etc/hosts "$bare/etc/"
mount -t proc proc "$bare/proc" || echo "bare.sh: no /proc there: leaks will not be looked for"

mkdir "$bare/pagoda"
tar -C "$root" -cf - --exclude='./build*' --exclude=./.git --exclude=./fuzz-out . |
    tar -C "$bare/pagoda" -xf -
for tool in git gcc python3 sudo make; do
    ! chroot "$bare" bash -c "command -v $tool" || { echo "bare.sh: not bare" >&2 && exit 1; }
done
begin=$SECONDS status=0
chroot "$bare" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash /pagoda/dev "${@:-test}" </dev/null || status=$?
echo "bare.sh: ./dev ${*:-test} ended with status $status after $((SECONDS - begin)) s"
exit "$status"
