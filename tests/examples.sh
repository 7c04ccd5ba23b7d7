#!/usr/bin/env bash
# Guards against examples that no longer run, and against languages that do not understand each other's messages:
# what an example sends in one language, the example of every other language receives.
set -u
cd "$(dirname "$0")/.."

tools/build-examples.sh || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
examples=$PWD/build/examples
passed=0
failed=0

languages="c cpp rs"
# Built above, or said there why not.
tools/has-dotnet.sh "C# examples" >/dev/null && languages="$languages cs"

program() {
    case $2 in
    cs) echo "dotnet $examples/$1-cs/$1.dll" ;;
    *) echo "$examples/$1-$2" ;;
    esac
}

expected=$(for number in $(seq 10); do echo "received hello $number"; done | sort)

for from in $languages; do
    for to in $languages; do
        home=$scratch/$from-$to
        mkdir "$home"
        # The log belongs to the test as well: HOME is where it goes by default.
        sent=$(HOME=$home ONS_HOME=$home/data timeout 60 $(program send "$from") 2>"$home/send.err")
        send_status=$?
        received=$(HOME=$home ONS_HOME=$home/data timeout 60 $(program consume "$to") 2>"$home/consume.err")
        consume_status=$?
        if [ "$send_status" = 0 ] && [ "$consume_status" = 0 ] && [ "$(grep -c '^sent ' <<<"$sent")" = 10 ] &&
            [ "$(sort <<<"$received")" = "$expected" ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "send in $from (exit $send_status), consume in $to (exit $consume_status):"
            echo "$sent"
            echo "$received"
            cat "$home/send.err" "$home/consume.err"
        fi
    done
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
