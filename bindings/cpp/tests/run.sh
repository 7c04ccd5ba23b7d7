#!/usr/bin/env bash
# All tests of the C++ binding; build/lib has to be there. The last line is `N passed, N failed, N skipped`.
#   bindings/cpp/tests/run.sh [NAME]        only the tests whose name contains NAME
set -uo pipefail
cd "$(dirname "$0")/../../.."
out=$PWD/build/tests/cpp
lib=$PWD/build/lib
only=${1:-}
passed=0 failed=0 skipped=0
# What takes longer hangs. Ten thousand cycles may take their time.
seconds_max=900
[ "${PROVE:-}" = full ] && seconds_max=7200
mkdir -p "$out"
unset ONS_ADDR NAMESRV_ADDR
# The client log and the embedded default of everything below.
HOME=$(mktemp -d)
export HOME ONS_HOME=$HOME/ons
trap 'rm -rf "$HOME"' EXIT

strict="-Wall -Wextra -Wpedantic -Werror"
include="-Ibindings/cpp/include -Iinclude"
link="-L$lib -Wl,-rpath,$lib -lonsclient4cpp -lpthread -ldl"

have() { command -v "$1" >/dev/null; }

# check NAME COMMAND...: one test; what the command says is shown if it fails.
check() {
    local name=$1
    shift
    [[ $name == *"$only"* ]] || return 0
    if "$@" >"$out/check.txt" 2>&1; then
        echo "ok      $name"
        passed=$((passed + 1))
    else
        echo "FAILED  $name"
        sed 's/^/        /' "$out/check.txt" | tail -n 40
        failed=$((failed + 1))
    fi
}

skip() {
    echo "skipped $1: $2"
    skipped=$((skipped + 1))
}

# ---- headers: every standard, every compiler ------------------------------------------------------------

compilers=()
for compiler in g++ clang++; do have $compiler && compilers+=($compiler); done

everything=$out/everything.h
headers=$(cd bindings/cpp/include && ls -- *.h ons/detail/*.h)
for header in $headers; do echo "#include \"$header\""; done >"$everything"

supports() { "$1" -std="$2" -x c++ -fsyntax-only /dev/null 2>/dev/null; }

compiles_alone() {
    for header in $headers; do
        echo "#include \"$header\"" | "${compilers[0]}" -x c++ -std=c++11 $strict $include -fsyntax-only - || return 1
    done
}

two_units() {
    "$1" -std="$2" $strict $include -I"$out" bindings/cpp/tests/headers/*.cpp -o "$out/two-$1" $link && "$out/two-$1"
}

headers_tests() {
    local newest
    check headers/each_compiles_alone compiles_alone
    for compiler in g++ clang++; do
        have "$compiler" || { skip "headers/$compiler" "not installed"; continue; }
        for standard in c++11 c++14 c++17 c++20 c++23; do
            supports "$compiler" $standard || standard=${standard/23/2b}
            supports "$compiler" $standard || { skip "headers/$compiler-$standard" "not supported"; continue; }
            newest=$standard
            check "headers/$compiler-$standard" "$compiler" -std=$standard $strict $include -fsyntax-only \
                -x c++ "$everything"
        done
        check "headers/two_units-$compiler" two_units "$compiler" "$newest"
    done
}

# ---- behaviour ------------------------------------------------------------------------------------------

# The test program, once with each compiler, with the oldest and with a newer standard.
build_tests() {
    local compiler=$1 standard=$2 objects=$out/$1
    mkdir -p "$objects"
    printf '%s\n' bindings/cpp/tests/*.cpp | xargs -P 2 -I{} sh -c \
        "$compiler -std=$standard -g -O1 $strict $include -c {} -o $objects/\$(basename {} .cpp).o" &&
        "$compiler" "$objects"/*.o -o "$objects/tests" $link
}

run_tests() {
    local compiler=$1 standard=$2 line
    if ! build_tests "$compiler" "$standard" >"$out/check.txt" 2>&1; then
        echo "FAILED  building the test program with $compiler"
        tail -n 40 "$out/check.txt"
        failed=$((failed + 1))
        return
    fi
    echo "-- $compiler -std=$standard"
    tests/watched.sh "$seconds_max" "$out/$compiler/tests" "$only" | tee "$out/tests.txt"
    line=$(tail -n 1 "$out/tests.txt")
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ 0\ skipped$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
    else
        echo "FAILED  the test program of $compiler did not reach its end"
        failed=$((failed + 1))
    fi
}

behaviour_tests() {
    [[ $only != */* ]] || return 0 # a name of another kind
    have g++ && run_tests g++ c++11
    have clang++ && run_tests clang++ c++20
}

# ---- the document's samples, and programs that end badly --------------------------------------------------

build_program() { "${compilers[0]}" -std=c++11 -g -Wall $include "$1" -o "$2" $link; }

# Printed with the compiler's own warnings on, as the document builds them; what it does not use, it may keep.
sample() {
    build_program "bindings/cpp/tests/samples/$1.cpp" "$out/sample-$1" && timeout 60 "$out/sample-$1"
}

# Below the 30 s for which a client that is closed waits for its listeners.
ends_in() {
    local status
    ONS_HOME=$1 tests/watched.sh 20 "$out/end" "$2"
    status=$?
    echo "exit code $status, expected 7"
    [ $status = 7 ]
}

ends_by_itself() {
    local home status
    home=$(mktemp -d)
    ends_in "$home" "$1"
    status=$?
    rm -rf "$home"
    return $status
}

# No message is given back that the listener never saw.
gives_nothing_back() {
    local home status
    home=$(mktemp -d)
    ends_in "$home" "$1" && "$out/given-back" "$home"
    status=$?
    rm -rf "$home"
    return $status
}

program_tests() {
    check samples/send_normal sample send_normal
    check samples/consume_normal sample consume_normal
    check samples/transaction sample transaction
    check end/build build_program bindings/cpp/tests/programs/end_without_shutdown.cpp "$out/end"
    check end/build_given_back build_program bindings/cpp/tests/programs/given_back.cpp "$out/given-back"
    for way in return exit quick-exit exit-in-listener never-started late-listener late-callback \
        delete-producer fork; do
        check "end/$way" ends_by_itself $way
    done
    for way in shutdown-in-destructor another-shuts-down delete-consumer; do
        check "end/$way" gives_nothing_back $way
    done
}

source bindings/cpp/tests/install.sh

headers_tests
behaviour_tests
program_tests
install_tests
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
