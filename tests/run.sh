#!/usr/bin/env bash
# Every test of every language. All parts run, whatever fails; the last line sums them up:
#     N passed, N failed, N skipped
set -u
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0
failed=0
skipped=0
status=0

# part NAME COMMAND...: runs a part, shows its output, adds up its counts. Both forms of counting are understood:
# cargo's `test result: ok. 3 passed; 0 failed; 1 ignored`, and a last line like our own.
part() {
    local name=$1 counts
    shift
    echo "== $name"
    "$@" 2>&1 | tee "$log"
    local result=${PIPESTATUS[0]}
    counts=$(awk '
        /^test result:/ {
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^passed/) passed += $(i - 1)
                if ($i ~ /^failed/) failed += $(i - 1)
                if ($i ~ /^ignored/) skipped += $(i - 1)
            }
            seen = 1
        }
        { last = $0 }
        END {
            if (!seen && split(last, word, /[ ,]+/) == 6 && word[2] == "passed" && word[4] == "failed") {
                passed = word[1]; failed = word[3]; skipped = word[5]; seen = 1
            }
            printf "%d %d %d %d", passed, failed, skipped, seen
        }' "$log")
    read -r p f s seen <<<"$counts"
    # A part that fails without naming a test (it did not compile), or that counts nothing, is one failure.
    if [ "$f" = 0 ] && { [ "$result" != 0 ] || [ "$seen" = 0 ]; }; then
        echo "$name: failed (exit code $result)"
        f=1
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
}

part "Rust" "${CARGO:-cargo}" test --locked --features testing --no-fail-fast
part "Models" tests/models.sh
part "Sanitizers" tests/sanitizers.sh
[ -e tests/c/run.sh ] && part "C" tests/c/run.sh
part "C++" bindings/cpp/tests/run.sh
tools/has-dotnet.sh ".NET tests"
case $? in
0) part ".NET" bindings/dotnet/test.sh ;;
1) skipped=$((skipped + 1)) ;;
*) failed=$((failed + 1)) ;;
esac
part "Examples" tests/examples.sh

[ "$failed" = 0 ] || status=1
echo
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
