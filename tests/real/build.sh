#!/usr/bin/env bash
# build.sh [NAME...] - programs that are not ours, from Debian's sources, as static RISC-V files.
#
#     busybox lua sqlite sort coremark luatests          (no name: all)
#
# The idea: apt-get fetches the source packages with a list and a state of its own, Debian's cross
# compiler makes one static program of each, and the tests here (and the bench) run it. Coremark and
# the tests of Lua are in no Debian package: git clones them.
#
# Invariants
#  1. Nothing is written but below $PAGODA_REAL, which is outside the repository, and the system's
#     own package lists and settings are as they were.
#  2. A program is there (as $PAGODA_REAL/NAME) only when it was built and checked; it is not built
#     again then.
#  3. What cannot be had is skipped with a line that says why; that is no failure.
#
# $PAGODA_REAL defaults to pagoda/real below $XDG_CACHE_HOME. PAGODA_COREMARK and PAGODA_LUA_TESTS
# name other places to clone from.
set -euo pipefail
export LC_ALL=C.UTF-8
real=${PAGODA_REAL:-${XDG_CACHE_HOME:-$HOME/.cache}/pagoda/real}
readonly real host=riscv64-linux-gnu mirror=${PAGODA_MIRROR:-http://deb.debian.org/debian}
readonly jobs=${PAGODA_JOBS:-2}
readonly coremark_git=${PAGODA_COREMARK:-https://github.com/eembc/coremark}
readonly lua_git=${PAGODA_LUA_TESTS:-https://github.com/lua/lua} lua_tag=v5.4.4

say() { printf '%-10s %s\n' "$1" "$2"; }

# ---- sources ------------------------------------------------------------------------------------

# apt-get with a sources list, lists and caches below $real/apt.
own_apt() {
    apt-get -q -o Dir::Etc::SourceList="$real/apt/sources.list" -o Dir::Etc::SourceParts=- \
        -o Dir::State="$real/apt/state" -o Dir::Cache="$real/apt/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=2 "$@"
}

list_sources() {
    [[ -e $real/apt/listed ]] && return
    mkdir -p "$real"/apt/{state/lists/partial,cache/archives/partial}
    printf 'deb-src [signed-by=%s] %s bookworm main\n' \
        /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" >"$real/apt/sources.list"
    own_apt update && touch "$real/apt/listed"
}

# The folder of a Debian source package's files, unpacked and patched; prints it.
debian_source() { # PACKAGE
    local found
    if [[ ! -e $real/src/$1.unpacked ]]; then
        mkdir -p "$real/src"
        { list_sources && cd "$real/src" && own_apt source "$1" && touch "$1.unpacked"; } >&2 ||
            return 1
    fi
    for found in "$real/src/$1"-*/; do
        printf '%s\n' "${found%/}"
    done
}

cloned() { # NAME URL [TAG]
    if [[ ! -d $real/src/$1 ]]; then
        rm -rf "$real/src/$1.part"
        GIT_TERMINAL_PROMPT=0 timeout 120 git clone -q ${3:+--branch "$3"} -- \
            "$2" "$real/src/$1.part" >&2 && mv "$real/src/$1.part" "$real/src/$1" || return 1
    fi
    printf '%s\n' "$real/src/$1"
}

# ---- programs: each makes its file $1 -----------------------------------------------------------

build_busybox() {
    local source
    source=$(debian_source busybox) && cd "$source" || return 1
    make defconfig
    # tc does not compile with the kernel's present headers; what is measured needs no root.
    sed -i -e 's/^# CONFIG_STATIC is not set/CONFIG_STATIC=y/' \
        -e 's/^CONFIG_TC=y/# CONFIG_TC is not set/' .config
    yes '' | make oldconfig
    make -j"$jobs" CROSS_COMPILE=$host- SKIP_STRIP=y busybox && cp busybox "$1"
}

build_lua() {
    local source
    source=$(debian_source lua5.4) && cd "$source/src" || return 1
    # Debian's luaconf.h wants to know where modules of an architecture are.
    printf '#define DEB_HOST_MULTIARCH "%s"\n' $host >lua5.4-deb-multiarch.h
    # shellcheck disable=SC2046 # file names have no spaces
    $host-gcc -O2 -std=gnu99 -DLUA_USE_POSIX -DLUA_COMPAT_5_3 -static -o "$1" \
        $(printf '%s\n' ./*.c | grep -vx ./luac.c) -lm
}

build_sqlite() {
    local source
    source=$(debian_source sqlite3) && mkdir -p "$source/amalgamation" &&
        cd "$source/amalgamation" || return 1
    [[ -e Makefile ]] || ../configure --disable-tcl --disable-readline
    make sqlite3.c shell.c
    $host-gcc -O2 -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -static -o "$1" \
        sqlite3.c shell.c -lm
}

build_sort() {
    local source
    source=$(debian_source coreutils) && cd "$source" || return 1
    # Debian's patches are newer than the files that autoconf made; these need not be made again.
    [[ -e Makefile ]] || FORCE_UNSAFE_CONFIGURE=1 ./configure --host=$host --disable-nls \
        --without-selinux --disable-libcap --disable-acl --without-gmp --without-openssl \
        LDFLAGS=-static
    local same=(AUTOCONF=: AUTOMAKE=: ACLOCAL=: AUTOHEADER=: MAKEINFO=:)
    # Headers that are made come with "all" only, which is a hundred programs.
    make "${same[@]}" -j"$jobs" -f - built <<<$'include Makefile\nbuilt: $(BUILT_SOURCES)'
    make "${same[@]}" -j"$jobs" src/sort
    cp src/sort "$1"
}

build_coremark() {
    local source
    source=$(cloned coremark "$coremark_git") && cd "$source" || return 1
    # One run's seeds are the validation's, whose checksums coremark knows itself.
    $host-gcc -O2 -static -I. -Iposix -DFLAGS_STR='"-O2"' -DPERFORMANCE_RUN=1 -DITERATIONS=400 \
        -DMAIN_HAS_NOARGC=0 -o "$1" core_*.c posix/core_portme.c
}

# Not a program: the folder of Lua's own tests.
build_luatests() {
    local source
    source=$(cloned lua-repository "$lua_git" "$lua_tag") && rm -rf "$1" &&
        cp -r "$source/testes" "$1"
}

# ---- checks -------------------------------------------------------------------------------------

is_static_riscv() {
    local header
    header=$($host-readelf -hl "$1") &&
        grep -q 'Machine: *RISC-V' <<<"$header" && ! grep -q INTERP <<<"$header"
}

check() { # NAME FILE
    case $1 in
    luatests) [[ -f $2/all.lua ]] ;;
    *) is_static_riscv "$2" ;;
    esac
}

# ---- all of it ----------------------------------------------------------------------------------

lacks() {
    local tool
    for tool in apt-get dpkg-source $host-gcc make tclsh git; do
        command -v "$tool" >/dev/null || printf '%s ' "$tool"
    done
}

make_one() { # NAME
    local log=$real/log/$1.log
    if [[ -e $real/$1 ]]; then
        say "$1" "is there"
        return
    fi
    rm -rf "$real/$1.part"
    if (set -e; "build_$1" "$real/$1.part") >"$log" 2>&1 </dev/null &&
        check "$1" "$real/$1.part" >>"$log" 2>&1; then
        mv "$real/$1.part" "$real/$1"
        say "$1" "built"
    else
        say "$1" "skipped: $(tail -n 1 "$log") (all of it: $log)"
    fi
}

missing=$(lacks)
if [[ -n $missing ]]; then
    say all "skipped: not installed: $missing"
    exit 0
fi
mkdir -p "$real/log" "$real/src"
(($#)) || set -- busybox lua sqlite sort coremark luatests
for name; do
    make_one "$name"
done
