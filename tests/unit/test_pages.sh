#!/bin/bash
# The manual pages and the bash completion that vcost writes about itself (TAP on stdout):
#
#   tests/unit/test_pages.sh VCOST
set -u
export LC_ALL=C.UTF-8
vcost=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

# check NAME COMMAND...: a point that is good if the command succeeds; what it says is told if not.
check() {
    local name=$1 said
    shift
    number=$((number + 1))
    if said=$("$@" 2>&1); then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        printf '# %s\n' "${said//$'\n'/$'\n# '}"
    fi
}

# generate FILE WHAT...
generate() {
    "$vcost" generate "${@:2}" >"$1"
}

fails() {
    ! "$@"
}

# lint PAGE: warnings are failures.
lint() {
    local said
    said=$(groff -ww -man -Tutf8 "$1" 2>&1 >"$work/text" &&
        man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null &&
        if command -v mandoc >/dev/null; then mandoc -T lint -W warning "$1" 2>&1; fi)
    echo "$said"
    [ -z "$said" ] && [ -s "$work/text" ]
}

has_sections() {
    local section
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES 'EXIT STATUS' 'SEE ALSO'; do
        grep -qx "\.SH $section" "$1" || { echo "no section $section"; return 1; }
    done
}

# complete WORD...: what is offered for the last word.
complete_words() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _vcost
    echo "${COMPREPLY[*]}"
}

# completes EXPECTED WORD...
completes() {
    local expected=$1 got
    shift
    got=$(complete_words "$@")
    [ "$got" = "$expected" ] || { echo "$* gives \"$got\", not \"$expected\""; return 1; }
}

for command in '' chase events inspect compare report list agent help; do
    page=$work/vcost${command:+-$command}.1
    # shellcheck disable=SC2086 # no word for vcost(1)
    check "writes the page vcost${command:+-$command}(1)" generate "$page" man $command
    check "vcost${command:+-$command}(1) is without warnings" lint "$page"
    check "vcost${command:+-$command}(1) has every section" has_sections "$page"
done
sed 's/^\.SH OPTIONS/.nosuchmacro\n.SH OPTIONS/' "$work/vcost-chase.1" >"$work/broken.1"
check 'a broken page does not pass' fails lint "$work/broken.1"
check 'writes no page of a command that there is not' fails "$vcost" generate man nonsense

check 'writes the completion' generate "$work/completion" completion
check 'the completion is without warnings' shellcheck -s bash "$work/completion"
# shellcheck disable=SC1091 # made just now
. "$work/completion"
check 'completes commands' completes 'chase compare' vcost c
check 'completes global options' completes '--version --help' vcost -
check 'completes options' completes '--order --on' vcost chase --o
check 'completes choices' completes 'auto always' vcost chase --color a
check 'completes choices after =' completes 'never' vcost chase --color = n
check 'completes choices in one word with =' completes '--color=never' vcost chase --color=n
check 'completes lists' completes 'native kvm paravirt shadow model:NAME command:CMD' vcost chase --on ''
check 'completes lists after a comma, without what is there' completes 'native,kvm native,paravirt native,shadow native,model:NAME native,command:CMD' vcost chase --on native,
check 'completes files' completes "$work/completion" vcost chase --json "$work/comp"
check 'completes files as operands' completes "$work/completion" vcost compare "$work/comp"
printf '#!/bin/sh\n' >"$work/a-program-of-this-test" && chmod +x "$work/a-program-of-this-test"
PATH=$PATH:$work check 'completes programs' completes 'a-program-of-this-test' vcost run a-program-of
check 'completes options beside operands' completes '--only' vcost compare --o
check 'completes results, and options beside them' completes "--output" vcost report --o
check 'completes formats' completes 'markdown' vcost report x.json --format m
check 'offers every output to a command that measures' completes '--html --help' vcost inspect --h
check 'completes topics' completes 'runners' vcost list r
check 'completes commands after help' completes 'chase compare' vcost help c
check 'offers nothing where a free value belongs' completes '' vcost chase --npad ''
check 'does not offer what is hidden' completes '' vcost g
echo "1..$number"
