#!/usr/bin/env bash
# The C and C++ tests under AddressSanitizer with UndefinedBehaviorSanitizer and LeakSanitizer, and under valgrind.
# Guards against what a test that passes does not show: memory used after its end, read before it was written, lost.
#   tests/sanitizers.sh            a part, in about a minute
#   PROVE=full tests/sanitizers.sh all of them
# build/lib has to be there (or LIB names its place). No report is suppressed; what is left out is said below, and why.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
lib=${LIB:-$PWD/build/lib}
out=$PWD/build/tests/sanitizers
cc=${CC:-cc} cxx=${CXX:-c++}
is_full=0
[ "${PROVE:-}" = full ] && is_full=1
passed=0 failed=0
mkdir -p "$out"
unset ONS_ADDR NAMESRV_ADDR
HOME=$(mktemp -d)
export HOME ONS_HOME=$HOME/ons
trap 'rm -rf "$HOME"' EXIT

sanitize=(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
# Threads are run in turn: as it is, valgrind lets one of them keep the machine.
memcheck=(valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
    --show-leak-kinds=definite --fair-sched=try --num-callers=25)
link=(-L"$lib" "-Wl,-rpath,$lib" -lonsclient4cpp -lpthread -ldl)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
c_flags=(-std=c89 -g -O1 -Iinclude -Itests/c "-DONS_TEST_VERSION=\"$version\"")
cxx_flags=(-std=c++17 -g -O1 -Ibindings/cpp/include -Iinclude)

# check NAME COMMAND...: one program; what it says is shown if it or its tool complains.
check() {
    local name=$1 result
    shift
    timeout 1800 "$@" >"$out/check.txt" 2>&1
    result=$?
    if [ $result = 0 ]; then
        echo "ok      $name"
        passed=$((passed + 1))
    else
        complain "$name: exit code $result"
    fi
}

complain() {
    echo "FAILED  $1"
    sed 's/^/        /' "$out/check.txt" | tail -n 60
    failed=$((failed + 1))
}

# build NAME COMMAND...: counts only if it fails.
build() {
    local name=$1
    shift
    "$@" >"$out/check.txt" 2>&1 || complain "$name does not compile"
}

build_c() { # NAME OUTPUT FLAGS...
    local name=$1 output=$2 shared=(tests/c/check.c) libraries=("${link[@]}")
    shift 2
    [ "$name" = dlopen ] && shared=() libraries=(-ldl)
    "$cc" "${c_flags[@]}" "$@" "${shared[@]}" "tests/c/$name.c" -o "$output" "${libraries[@]}"
}

home_of() { # An empty home for one run.
    rm -rf "$HOME/run"
    mkdir -p "$HOME/run"
    echo "$HOME/run"
}

# run_c TOOL NAME [ARGUMENT [--no-leaks]]: with its home as the last argument, as tests/c_programs.rs runs it.
run_c() {
    local tool=$1 name=$2 argument=${3:-} leaks=${4:-} home before=()
    home=$(home_of)
    [ "$tool" = valgrind ] && before=("${memcheck[@]}" ${leaks:+--leak-check=no})
    check "$tool/c/$name${argument:+ $argument}" env "HOME=$home" "ONS_HOME=$home" \
        "ASAN_OPTIONS=$ASAN_OPTIONS${leaks:+:detect_leaks=0}" ${before[@]+"${before[@]}"} \
        "$out/$name-$tool" ${argument:+"$argument"} "$home"
}

# Not `cycles`: it measures the process's own memory and descriptors, which are the tool's here.
c_programs() {
    if [ $is_full = 1 ]; then
        echo version error factory_property message log send_result producer completions push_consumer broker
    else
        echo error factory_property message send_result "$1"
    fi
}

c_tests() { # TOOL PROGRAM_OF_THE_BOUNDED_PART FLAGS...
    local tool=$1 name what names
    names=$(c_programs "$2")
    shift 2
    for name in $names; do
        build "$tool/c/$name" build_c "$name" "$out/$name-$tool" "$@"
        run_c "$tool" "$name"
    done
    build "$tool/c/process" build_c process "$out/process-$tool" "$@"
    for what in exit-without-shutdown exit-in-listener exit-in-callback fork fork-under-load two-processes; do
        [ $is_full = 1 ] || [ $what = exit-in-listener ] || continue
        # These end with everything running and nothing freed: that is their subject, so leaks are not looked for.
        run_c "$tool" process "$what" --no-leaks
    done
    build "$tool/c/shutdown_race" build_c shutdown_race "$out/shutdown_race-$tool" "$@"
    run_c "$tool" shutdown_race $((is_full * 45 + 5))
    if [ $is_full = 1 ]; then
        build "$tool/c/dlopen" build_c dlopen "$out/dlopen-$tool" "$@"
        # Its last round lets the library go while a client is open, which is never freed.
        run_c "$tool" dlopen "$lib/libonsclient4cpp.so" --no-leaks
    fi
}

build_cpp() { # OUTPUT FLAGS...
    local output=$1 objects=$1.d
    shift
    mkdir -p "$objects"
    printf '%s\n' bindings/cpp/tests/*.cpp | xargs -P 2 -I{} sh -c \
        '"$0" "$@" -c {} -o "'"$objects"'/$(basename {} .cpp).o"' "$cxx" "${cxx_flags[@]}" "$@" &&
        "$cxx" "$@" "$objects"/*.o -o "$output" "${link[@]}"
}

cpp_tests() { # TOOL FLAGS...
    local tool=$1 before=() only=""
    shift
    [ "$tool" = valgrind ] && before=("${memcheck[@]}")
    [ $is_full = 1 ] || only=message::
    build "$tool/cpp" build_cpp "$out/cpp-$tool" "$@"
    check "$tool/cpp ${only:-all}" env ONS_TEST_UNDER_TOOL=1 ${before[@]+"${before[@]}"} "$out/cpp-$tool" "$only"
}

c_tests asan producer "${sanitize[@]}"
c_tests valgrind broker
cpp_tests asan "${sanitize[@]}"
[ $is_full = 1 ] && cpp_tests valgrind

echo "prove: sanitizers: $((passed + failed)) runs of C and C++ programs under AddressSanitizer + UndefinedBehaviorSanitizer" \
    "or valgrind, $failed with an error or a definite leak, 0 suppressions"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
