#!/bin/sh
# Shows that the nested test host does what its parts promise, failures included. Takes four boots.
# Exit status: 0 all hold; 1 one does not (named on stderr); 77 this host cannot run it.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/vcost-nested-selftest.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$work/tmp" "$work/empty" "$work/offline"
TMPDIR=$work/tmp
export TMPDIR

broken() {
    printf 'nested/selftest: BROKEN: %s\n' "$*" >&2
    cat "$work/stdout" "$work/stderr" >&2
    exit 1
}

# run COMMAND...: keeps its status, stdout and stderr for the checks below.
run() {
    status=0
    "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
}

status_is() { [ "$status" = "$1" ] || broken "status $status instead of $1"; }
printed() { grep -qxF -e "$1" "$work/stdout" || broken "did not print: $1"; }
said() { grep -qF -e "$1" "$work/stderr" || broken "did not say: $1"; }
left_nothing() { [ -z "$(ls -A "$TMPDIR")" ] || broken "left something in TMPDIR: $(ls -A "$TMPDIR")"; }
passed() { printf 'ok: %s\n' "$*"; }

# ---- the cache

# A host without network: every download fails.
make_offline() {
    printf '#!/bin/sh\necho "E: no network" >&2\nexit 100\n' >"$work/offline/apt-get"
    chmod +x "$work/offline/apt-get"
}

fetch_offline() {
    run env PATH="$work/offline:$PATH" XDG_CACHE_HOME="$1" "$here/fetch"
}

test_complete_cache_needs_no_network() {
    cp -R "$cache" "$work/vcost.nested"
    mkdir -p "$work/copy/vcost"
    mv "$work/vcost.nested" "$work/copy/vcost/nested"
    fetch_offline "$work/copy"
    status_is 0
    printed "$work/copy/vcost/nested"
}

test_damaged_cache_is_not_trusted() {
    : >"$work/copy/vcost/nested/vmlinuz"
    fetch_offline "$work/copy"
    status_is 77
}

test_failed_download_leaves_no_cache() {
    fetch_offline "$work/empty"
    status_is 77
    said 'cannot download'
    [ "$(wc -l <"$work/stderr")" = 1 ] || broken "said more than one sentence"
    [ ! -e "$work/empty/vcost/nested" ] || broken "left a cache"
}

# ---- a run

# load_kvm with its hand cut off: it loads kvm_amd without the parameters it was given, and must notice.
make_deaf_load_kvm() {
    sed 's/\(insmod .*kvm-amd.ko\) "\$@"/\1/' "$here/inside/load_kvm" >"$work/deaf"
    ! cmp -s "$work/deaf" "$here/inside/load_kvm" || broken "the sabotage of load_kvm missed"
}

make_script() {
    cat >"$work/script" <<'END'
for npt in 1 0; do
    load_kvm npt=$npt && echo "npt=$npt: $(cat /sys/module/kvm_amd/parameters/npt)"
    [ -c /dev/kvm ] && unload_kvm && [ ! -e /dev/kvm ] && echo "npt=$npt: and out again"
done
sh /deaf npt=0 || echo 'deaf load_kvm noticed'
[ ! -e /dev/kvm ] && echo 'a failed load leaves nothing loaded'
/bin/host-ls --version | grep -q coreutils && echo 'a program of the host ran'
mkdir /out/folder
echo kept >/out/folder/file
echo anew >/dev/stdout
echo diagnosis >&2
sleep 1000 &
exit 7
END
}

test_run_with_and_without_nested_paging() {
    run "$here/boot" -o "$work/out" "$work/script" "$(command -v ls)=/bin/host-ls" "$work/deaf=/deaf"
    status_is 7
    printed 'npt=1: Y'
    printed 'npt=1: and out again'
    printed 'npt=0: N'
    printed 'npt=0: and out again'
    printed 'deaf load_kvm noticed'
    printed 'a failed load leaves nothing loaded'
    printed 'a program of the host ran'
    printed anew
    printed diagnosis
    [ "$(cat "$work/out/folder/file")" = kept ] || broken "/out did not come back"
    left_nothing
}

# ---- runs that fail

test_time_limit() {
    echo 'echo begun; sleep 1000' >"$work/script"
    run "$here/boot" -t 10 "$work/script"
    status_is 124
    printed begun
    said 'the time was up after 10 seconds'
    left_nothing
}

test_machine_that_ends_early() {
    echo 'echo begun; echo c >/proc/sysrq-trigger' >"$work/script"
    run "$here/boot" -o "$work/none" "$work/script"
    status_is 125
    said 'ended without a result'
    said 'Kernel panic'
    [ ! -e "$work/none" ] || broken "touched the output folder"
    left_nothing
}

test_signal_ends_it() {
    "$here/boot" "$work/script" >"$work/stdout" 2>"$work/stderr" &
    sleep 2
    kill $!
    status=0
    wait $! || status=$?
    status_is 143
    left_nothing
}

test_unreadable_binary() {
    run "$here/boot" "$work/script" "$work/nowhere"
    status_is 125
    said "$work/nowhere"
    left_nothing
}

cache=$("$here/fetch") || exit
command -v qemu-system-x86_64 >/dev/null || {
    echo 'nested/selftest: qemu-system-x86_64 is missing: apt-get install --no-install-recommends qemu-system-x86' >&2
    exit 77
}
make_offline
make_deaf_load_kvm
make_script
for promise in complete_cache_needs_no_network damaged_cache_is_not_trusted failed_download_leaves_no_cache \
    run_with_and_without_nested_paging time_limit machine_that_ends_early signal_ends_it unreadable_binary; do
    "test_$promise"
    passed "$promise"
done
