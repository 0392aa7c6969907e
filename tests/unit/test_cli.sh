#!/bin/sh
# The front of the command line, up to where a command begins to work (TAP on stdout):
#
#   tests/unit/test_cli.sh VCOST
set -u
export LC_ALL=C.UTF-8
vcost=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0

# point NAME STATUS STDOUT STDERR ARGUMENT...: vcost's exit status, and patterns for all that it writes.
point() {
    name=$1 status=$2 out=$3 err=$4
    shift 4
    "$vcost" "$@" >"$work/out" 2>"$work/err"
    got=$?
    number=$((number + 1))
    if [ "$got" -eq "$status" ] && matches "$out" "$work/out" && matches "$err" "$work/err"; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        echo "# exit status $got"
        sed 's/^/# /' "$work/out" "$work/err"
    fi
}

# matches PATTERN FILE
matches() {
    # shellcheck disable=SC2254 # it is a pattern
    case $(cat "$2") in
    $1) return 0 ;;
    esac
    return 1
}

usage='
Try '\''vcost'
point 'no command is wrong usage' 2 '' "vcost: name a command*$usage --help'."
point 'an unknown command is wrong usage' 2 '' "vcost: there is no command \"frobnicate\"$usage --help'." frobnicate
point 'a mistyped command gets a suggestion' 2 '' 'vcost: *(did you mean chase?)*' chsae
point 'a hidden command is not suggested' 2 '' "vcost: there is no command \"generat\"$usage*" generat
point 'an unknown option is wrong usage' 2 '' "vcost: there is no option --bogus$usage chase --help'." chase --bogus
point 'a wrong value is one sentence' 2 '' "vcost: --npad: \"x\" is not a whole number from 0 to 511$usage*" chase --npad x
point 'a control sequence does not reach the terminal' 2 '' 'vcost: there is no option --?[[]31m*' chase "$(printf -- '--\033[31m')"
point '--version tells the version' 0 'vcost [0-9]*.[0-9]*' '' --version
point '--help goes to stdout' 0 'vcost: *Usage: vcost COMMAND*Commands:*chase*Exit status:*' '' --help
point 'a command has --help' 0 'vcost chase: *Usage: vcost chase [[]OPTIONS]*Examples:*--working-set*' '' chase --help
point 'help explains a command' 0 'vcost list: *' '' help list
point 'help knows no other' 2 '' 'vcost: there is no command "chsae" (did you mean chase?)*' help chsae
point 'help of no command is wrong usage' 2 '' 'vcost: there is no command "list x"*' help list x
point 'two outputs cannot be one file' 2 '' 'vcost: --json and --html cannot both write to the same file
*' chase --json "$work/x" --html "$work/./x"
point 'a report of nothing is wrong usage' 2 '' 'vcost: [[]NAME=]RESULT is missing*' report
point 'a report of a file that is not there fails' 1 '' "vcost: cannot read $work/none: No such file or directory" report "$work/none"
point 'a report knows what it can write' 2 '' 'vcost: --output: the name "x.pdf" must end in *' report "$work/none" -o x.pdf
point 'generate wants to know what' 2 '' 'vcost: WHAT is missing*' generate

number=$((number + 1))
"$vcost" --help >/dev/full 2>"$work/err"
if [ $? -eq 1 ] && matches 'vcost: cannot write to standard output: No space left on device' "$work/err"; then
    echo "ok $number - a full disk is a failure"
else
    echo "not ok $number - a full disk is a failure"
fi
echo "1..$number"
