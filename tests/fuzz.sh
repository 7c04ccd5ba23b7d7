#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS (600), or those named, one to a core at a time: tests/fuzz.sh [TARGET...]
# Needs a nightly compiler and cargo-fuzz; says so in one line where they are missing.
# The committed corpora (fuzz/corpus) are the seeds; what is found on top is kept in fuzz/target/corpus. A crash is kept
# in fuzz/artifacts; the input that caused it becomes a seed once it is understood, and is replayed by `cargo test` from
# then on. The last line sums up and begins with "prove: fuzz:".
set -u
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-600}
all="frame header_json header_binary record properties tag_expression recovery c_abi"
if ! "${CARGO:-cargo}" +nightly fuzz --version >/dev/null 2>&1; then
    echo "fuzzing is left out: it needs a nightly compiler and cargo-fuzz (cargo install cargo-fuzz)"
    exit 0
fi
targets=${*:-$all}
built=$("${CARGO:-cargo}" +nightly fuzz build 2>&1) || {
    echo "$built"
    exit 1
}

# Data directories, in memory where that is possible: thousands of brokers are opened.
scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# run TARGET: fuzzes it and leaves its part of the summary in $scratch/TARGET.summary; fails with it.
run() {
    local target=$1 log=fuzz/target/$1.log corpus=fuzz/target/corpus/$1 options=() leaks=1
    mkdir -p "$corpus" "fuzz/artifacts/$target"
    [ -e "fuzz/dictionary/$target.dict" ] && options+=("-dict=fuzz/dictionary/$target.dict")
    case $target in
    recovery) options+=(-max_len=512 -len_control=0 -timeout=60) ;;
    # Leaks are looked for between two inputs and at the end. What belongs to the threads of the broker that stays open is
    # taken for lost then; that nothing grows is proven by the tests of 10 000 life cycles.
    c_abi)
        options+=(-max_len=512 -len_control=0 -timeout=120)
        leaks=0
        ;;
    frame | record) options+=(-max_len=2048 -timeout=30) ;;
    *) options+=(-max_len=1024 -timeout=30) ;;
    esac
    local begun=$SECONDS
    TMPDIR=$scratch ASAN_OPTIONS=detect_leaks=$leaks \
        nice -n 19 "fuzz/target/$(rustc -vV | sed -n 's/^host: //p')/release/$target" \
        "-max_total_time=$seconds" "-artifact_prefix=fuzz/artifacts/$target/" -rss_limit_mb=2048 \
        -malloc_limit_mb=512 -print_final_stats=1 "${options[@]}" \
        "$corpus" "fuzz/corpus/$target" >"$log" 2>&1
    local code=$? runs edges crashes=0
    if [ "$code" != 0 ]; then
        crashes=1
        grep -v -E '^#[0-9]+' "$log" | tail -n 60
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | grep -oE '[0-9]+')
    runs=$(awk -v n="${runs:-0}" 'BEGIN { if (n >= 1e6) printf "%.1f M", n / 1e6; else if (n >= 1e4) printf "%.0f k", n / 1e3; else print n }')
    echo "$target: $runs runs in $((SECONDS - begun)) s, ${edges:-0} edges covered, $crashes crashes"
    echo "$target $runs runs, $crashes crashes" >"$scratch/$target.summary"
    return "$crashes"
}

status=0
cores=$(getconf _NPROCESSORS_ONLN)
for target in $targets; do
    while [ "$(jobs -pr | wc -l)" -ge "$cores" ]; do wait -n || status=1; done
    run "$target" &
done
while [ -n "$(jobs -p)" ]; do wait -n || status=1; done
summary=$(for target in $targets; do cat "$scratch/$target.summary"; done | paste -sd ';' | sed 's/;/; /g')
echo "prove: fuzz: $summary"
exit "$status"
