#!/usr/bin/env bash
# The library's own concurrent code under thousands of chosen orders of its steps (src/*/models.rs): no order may lose,
# double or reorder anything, nor leave anybody waiting.
#   tests/models.sh [NAME]            a part, in about a minute; only the tests whose name contains NAME
#   PROVE=full tests/models.sh        more than a million schedules
# MODELS_SEED=N chooses other schedules; a failure tells the seed to see it again with.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
log=$(mktemp)
trap 'rm -rf "$log"' EXIT

# A part is not optimised: that takes longer than it saves. The whole runs twice as fast for it.
unoptimised=(--config 'profile.test.package.ons.opt-level=0')
[ "${PROVE:-}" = full ] && unoptimised=()
# The rest of the library's tests cannot run with the checker's locks.
"${CARGO:-cargo}" test --locked ${unoptimised[@]+"${unoptimised[@]}"} --features models --lib \
    "${1:-model}" -- --nocapture 2>&1 | tee "$log"
result=$?

awk '
    /^model: self-test/ { next }
    /^model: / { models++; for (i = 1; i <= NF; i++) { if ($i == "random") random += $(i - 1); if ($i == "PCT") pct += $(i - 1) } }
    END {
        printf "prove: models: %d models, %d schedules (%d random, %d PCT)", models, random + pct, random, pct
    }' "$log"
[ "$result" = 0 ] && echo ": nothing lost, doubled, reordered, deadlocked or stuck" || echo ": FAILED"
grep '^test result:' "$log" | tail -n 1
exit "$result"
