#!/usr/bin/env bash
# The demo in one language: one program sends COUNT messages of 1 KiB and ends, another one consumes them.
#
#     demo/run.sh LANGUAGE [COUNT]          LANGUAGE is a folder beside this file; COUNT is 100000 if not given
#
# demo/LANGUAGE/build.sh OUTDIR leaves OUTDIR/send and OUTDIR/consume; both take COUNT, tell their progress on
# stderr and print key=value words as their last line. The messages live in a fresh directory that is removed
# at the end, so a user's own data is neither touched nor counted. The library has to be in build/lib.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
language=${1:?usage: demo/run.sh LANGUAGE [COUNT]}
count=${2:-100000}
out=$root/build/demo/$language
"$root/demo/$language/build.sh" "$out"

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
# HOME as well: the client log belongs to the demo, not to the user.
run() { env -u ONS_ADDR -u NAMESRV_ADDR HOME="$home" ONS_HOME="$home/ons" \
    LD_LIBRARY_PATH="$root/build/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$@"; }

echo "demo $language: one program sends $count messages of 1 KiB ..." >&2
sent=$(run "$out/send" "$count" | tail -n 1)
echo "demo $language: ... and another one consumes them" >&2
consumed=$(run "$out/consume" "$count" | tail -n 1) || true
line="$sent $consumed"
echo "demo $language: $line"
for word in "sent=$count" "consumed=$count" missing=0 duplicated=0; do
    [[ " $line " == *" $word "* ]] || { echo "demo $language: expected $word" >&2; exit 1; }
done
