#!/usr/bin/env bash
# The whole of what `make test` runs a bounded part of: every power cut, every failing operation, every flipped byte,
# hundreds of kills, minutes of fuzzing, a million schedules. Hours on a small machine. tests/prove.sh [PART...]
# Ends with a table: each part, whether it held, how long it took, and the figures it printed ("prove: ...").
set -u
cd "$(dirname "$0")/.."
export PROVE=full

log=$(mktemp)
table=$(mktemp)
trap 'rm -f "$log" "$table"' EXIT
wanted=" $* "
status=0

# part NAME COMMAND...: runs it if it is wanted, and takes its figures into the table.
part() {
    local name=$1 begun=$SECONDS outcome=ok
    shift
    [ "$wanted" = "  " ] || [[ $wanted == *" $name "* ]] || return 0
    echo "== $name"
    "$@" 2>&1 | tee "$log"
    if [ "${PIPESTATUS[0]}" != 0 ]; then
        outcome=FAILED
        status=1
    fi
    # A test's own line may stand before it, and bytes that are no text in a message of one.
    printf '%-12s %-6s %5d s\n' "$name" "$outcome" $((SECONDS - begun)) >>"$table"
    grep -ao 'prove: .*' "$log" | sed 's/^prove: /    /' >>"$table"
}

cargo_test() {
    "${CARGO:-cargo}" test --locked --features testing "$@" -- --nocapture
}

part durability cargo_test --test durability
part bit-rot cargo_test --test bit_rot
part kills cargo_test --test crash
part lifecycle cargo_test --test c_programs --test hand_over
part cpp bindings/cpp/tests/run.sh
part models tests/models.sh
part sanitizers tests/sanitizers.sh
if tools/has-dotnet.sh ".NET parts"; then
    part dotnet bindings/dotnet/test.sh
fi
part fuzz tests/fuzz.sh
part bench make bench

echo
cat "$table"
exit "$status"
