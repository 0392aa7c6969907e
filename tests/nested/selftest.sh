#!/bin/sh
# selftest.sh [boot|boot-bochs]: shows that a nested test host does what its parts promise, failures included. Takes
# four boots, of QEMU's or Bochs's machine. TAP on stdout.
# Exit status: 0 all hold, or this host cannot run it (one skipped plan); 1 one does not.
set -eu

boot=${1:-boot}
case $boot in
boot) module=kvm_amd parameter=npt limits='20 120 720' ;;
*) module=kvm_intel parameter=ept limits='60 240 960' ;;
esac
# Seconds, for what ends by itself.
patience=1000
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/vcost-nested-selftest.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$work/tmp" "$work/empty" "$work/offline"
TMPDIR=$work/tmp
export TMPDIR

# Ends the test at hand, which runs in a shell of its own; the others still run.
broken() {
    printf '%s\n' "$*"
    cat "$work/stdout" "$work/stderr"
    exit 1
}

skip_all() {
    printf '1..0 # SKIP %s\n' "$*"
    exit 0
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

# load_kvm with its hand cut off: it loads the module without the parameters it was given, and must notice.
make_deaf_load_kvm() {
    sed 's/\(insmod .*\.ko"\) "\$@"/\1/' "$here/inside/load_kvm" >"$work/deaf"
    ! cmp -s "$work/deaf" "$here/inside/load_kvm" || broken "the sabotage of load_kvm missed"
}

make_script() {
    printf 'module=%s parameter=%s\n' $module $parameter >"$work/script"
    cat >>"$work/script" <<'END'
for value in 1 0; do
    load_kvm $parameter=$value && echo "$value: $(cat /sys/module/$module/parameters/$parameter)"
    [ -c /dev/kvm ] && unload_kvm && [ ! -e /dev/kvm ] && echo "$value: and out again"
done
sh /deaf $parameter=0 || echo 'deaf load_kvm noticed'
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
    run "$here/$boot" -t $patience -o "$work/out" "$work/script" "$(command -v ls)=/bin/host-ls" "$work/deaf=/deaf"
    status_is 7
    printed '1: Y'
    printed '1: and out again'
    printed '0: N'
    printed '0: and out again'
    printed 'deaf load_kvm noticed'
    printed 'a failed load leaves nothing loaded'
    printed 'a program of the host ran'
    printed anew
    printed diagnosis
    [ "$(cat "$work/out/folder/file")" = kept ] || broken "/out did not come back"
    left_nothing
}

# ---- runs that fail

# Years, because Bochs does not wait while its machine sleeps.
make_endless_script() {
    echo 'echo begun; sleep 100000000' >"$work/script"
}

# A machine that is slow, or busy, needs more time to come to the script.
test_time_limit() {
    make_endless_script
    for limit in $limits; do
        run "$here/$boot" -t "$limit" "$work/script"
        ! grep -qxF begun "$work/stdout" || break
    done
    status_is 124
    printed begun
    said "the time was up after $limit seconds"
    left_nothing
}

test_machine_that_ends_early() {
    echo 'echo begun; echo c >/proc/sysrq-trigger' >"$work/script"
    run "$here/$boot" -t $patience -o "$work/none" "$work/script"
    status_is 125
    said 'ended without a result'
    said 'panic' # the console's last lines may begin behind the word Kernel
    [ ! -e "$work/none" ] || broken "touched the output folder"
    left_nothing
}

test_signal_ends_it() {
    make_endless_script
    "$here/$boot" "$work/script" >"$work/stdout" 2>"$work/stderr" &
    sleep 4
    kill $!
    status=0
    wait $! || status=$?
    status_is 143
    left_nothing
}

test_unreadable_binary() {
    run "$here/$boot" "$work/script" "$work/nowhere"
    status_is 125
    said "$work/nowhere"
    left_nothing
}

# ---- all of it

# One point. Its shell is not part of a condition, or set -e would not count in it.
point() {
    number=$((number + 1))
    set +e
    (set -e && "test_$1") >"$work/diagnosis" 2>&1
    status=$?
    set -e
    name=$(printf '%s\n' "$1" | tr _ ' ')
    if [ $status = 0 ]; then
        printf 'ok %d - %s\n' $number "$name"
    else
        failed=1
        printf 'not ok %d - %s\n' $number "$name"
        sed 's/^/# /' "$work/diagnosis"
    fi
}

# Whatever a host lacks, it says so before it boots anything: the script that does not exist is never run.
run "$here/$boot" "$work/nowhere"
[ "$status" != 77 ] || skip_all "$(tail -n 1 "$work/stderr")"
cache=$("$here/fetch")
make_offline
make_deaf_load_kvm
make_script
number=0
failed=0
echo 1..8
for promise in complete_cache_needs_no_network damaged_cache_is_not_trusted failed_download_leaves_no_cache \
    run_with_and_without_nested_paging time_limit machine_that_ends_early signal_ends_it unreadable_binary; do
    point "$promise"
done
[ $failed = 0 ]
