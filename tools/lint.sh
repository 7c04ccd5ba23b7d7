#!/usr/bin/env bash
# Formatters and linters of every language in checking mode. All of them run; one complaint fails the whole.
set -u
cd "$(dirname "$0")/.."

status=0
run() {
    echo "lint: $1 $2"
    "$@" || status=1
}

run "${CARGO:-cargo}" fmt --check
# With the rooms private, so that dead code shows, and with the rooms open, for the tests.
run "${CARGO:-cargo}" clippy --locked --quiet -- -D warnings
run "${CARGO:-cargo}" clippy --locked --all-targets --features testing --quiet -- -D warnings
# And with the locks of the model checker, which only its own tests can use.
run "${CARGO:-cargo}" clippy --locked --lib --tests --features models --quiet -- -D warnings

# include/ons.h is generated and compared with its generator by a test.
mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.c' '*.cpp' '*.h' ':!include/ons.h')
run clang-format --dry-run -Werror "${sources[@]}"

mapfile -t scripts < <(git ls-files --cached --others --exclude-standard '*.sh' '.ci/run')
for script in "${scripts[@]}"; do
    bash -n "$script" || status=1
done

dotnet=0
tools/has-dotnet.sh "lint: dotnet format" || dotnet=$?
case $dotnet in
0)
    for solution in bindings/dotnet/*.sln bindings/dotnet/*.slnx; do
        [ -e "$solution" ] && run dotnet format "$solution" --verify-no-changes
    done
    ;;
1) ;;
*) status=1 ;;
esac
exit "$status"
