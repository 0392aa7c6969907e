# shellcheck shell=sh
# What the programs boot and boot-bochs share: the command line, the initramfs for one run, and what is brought back.
#
# Each of them says what its host needs and how it is started, in four functions, and then calls `harness "$@"`:
#
#   need_host          exits by `cannot SENTENCE` if this machine lacks what the host is made of
#   prepare_machine    makes in $work what the start needs besides the initramfs
#   start_machine      starts it with $cache/vmlinuz and $work/initramfs, by exec: the shell, which is in $work, becomes
#                      the machine. It ends on SIGINT. What appears on its console goes to the file console, and the
#                      two channels that init (inside/init) is told to write to go to the files output and result.
#   show_machine_log   prints what the machine itself has said in $work/machine.log
#
# They find: $here this folder, $cache the parts, $work the folder of this run, $seconds the time limit.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
program=$(basename -- "$0")
seconds=120
outdir=
work=
machine=

say() {
    printf 'nested/%s: %s\n' "$program" "$*" >&2
}

fail() {
    say "$*"
    exit 125
}

cannot() {
    say "$*"
    exit 77
}

# shellcheck disable=SC2317  # called by the trap
clean_up() {
    [ -z "$machine" ] || { kill -s INT "$machine" && wait "$machine"; } 2>/dev/null || true
    [ -z "$work" ] || rm -rf "$work"
}

make_work_folder() {
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    work=$(mktemp -d "${TMPDIR:-/tmp}/vcost-nested.XXXXXX") || fail "cannot make a folder in ${TMPDIR:-/tmp}"
    root=$work/root
}

# ---- the initramfs

make_root() {
    {
        mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/out" &&
            cp -R "$cache/modules" "$root/" &&
            cp "$cache/busybox" "$here/inside/load_kvm" "$here/inside/unload_kvm" "$root/bin/" &&
            ln -s busybox "$root/bin/sh" &&
            cp "$here/inside/init" "$root/init" &&
            : >"$root/library-folders"
    } || fail "cannot lay out the initramfs in $root"
}

is_elf() {
    [ "$(head -c 4 -- "$1" | od -An -tx1)" = ' 7f 45 4c 46' ]
}

# libraries FILE: the paths of all it needs, its interpreter included; none for a static one.
libraries() {
    ldd "$1" >"$work/ldd" 2>/dev/null || return 0
    ! grep -q 'not found' "$work/ldd" || fail "$1 needs a library that is missing here:$(grep 'not found' "$work/ldd")"
    sed -n -e 's/^.*=> \(\/.*\) (0x[0-9a-f]*)$/\1/p' -e 's/^[[:space:]]*\(\/.*\) (0x[0-9a-f]*)$/\1/p' "$work/ldd"
}

# copy FILE PATH-INSIDE. It replaces a link such as /bin/sh, it does not write to what the link names.
copy() {
    { mkdir -p -- "$root$(dirname -- "$2")" && cp -L --remove-destination -- "$1" "$root$2"; } ||
        fail "cannot copy $1 to $2"
}

# The loader finds libraries by folder names that /bin/PROGRAM no longer has ($ORIGIN) or by a cache that is
# not there, so the folders are handed to it: init makes LD_LIBRARY_PATH of them.
copy_libraries() {
    libraries "$1" >"$work/libraries"
    while IFS= read -r library; do
        copy "$library" "$library"
        dirname -- "$library" >>"$root/library-folders"
    done <"$work/libraries"
}

add_file() {
    case $1 in
    *=/*) file=${1%%=/*} inside=/${1#*=/} ;;
    *) file=$1 inside=/bin/$(basename -- "$1") ;;
    esac
    copy "$file" "$inside"
    ! is_elf "$file" || copy_libraries "$file"
}

pack_root() {
    (cd "$root" && find . | "$cache/busybox" cpio -o -H newc) >"$work/initramfs" 2>"$work/cpio.log" ||
        fail "cannot pack the initramfs: $(tail -n 1 "$work/cpio.log")"
}

# ---- the run

# In the background, because a shell heeds signals in wait but not while a command runs in front.
run_machine() {
    (cd "$work" && start_machine) </dev/null >"$work/machine.log" 2>&1 &
    machine=$!
    ended=0
    wait "$machine" || ended=$?
    machine=
}

# Eighty lines reach back to a panic's first one, also where its call trace has every address that may be one.
show_logs() {
    show_machine_log >&2
    printf 'the last lines of the console:\n' >&2
    tail -n 80 "$work/console" 2>/dev/null | tr -d '\r' >&2
}

# The marker of success: a whole archive (gzip checks it) with the script's status in it.
unpack_result() {
    mkdir "$work/unpacked"
    tar -xzf "$work/result" -C "$work/unpacked" 2>/dev/null || return 1
    status=$(cat "$work/unpacked/status") || return 1
}

judge() {
    cat "$work/output" 2>/dev/null || true
    if [ "$ended" = 124 ]; then
        say "the time was up after $seconds seconds"
        show_logs
        exit 124
    fi
    if ! unpack_result; then
        say "the machine ended without a result (its status: $ended)"
        show_logs
        exit 125
    fi
}

save_out() {
    [ -n "$outdir" ] || return 0
    { mkdir -p -- "$outdir" && cp -R -- "$work/unpacked/out/." "$outdir/"; } || fail "cannot write to $outdir"
}

# ---- the command line

usage() {
    fail "usage: $program [-t SECONDS] [-o OUTDIR] SCRIPT [BINARY[=PATH-INSIDE]]..."
}

harness() {
    while getopts t:o: option; do
        case $option in
        t) seconds=$OPTARG ;;
        o) outdir=$OPTARG ;;
        *) usage ;;
        esac
    done
    shift $((OPTIND - 1))
    [ $# -ge 1 ] || usage
    need_host
    cache=$("$here/fetch") || exit 77
    make_work_folder
    make_root
    copy "$1" /script
    shift
    for argument in "$@"; do
        add_file "$argument"
    done
    pack_root
    prepare_machine
    run_machine
    judge
    save_out
    exit "$status"
}
