#!/usr/bin/env bash
# Builds every example in its language into build/examples: send-c, send-cpp, send-rs; C# through its own project system.
set -eu
cd "$(dirname "$0")/.."

lib=$PWD/build/lib
out=$PWD/build/examples
mkdir -p "$out"

for source in examples/*.c; do
    "${CC:-cc}" -std=c89 -pedantic -Wall -Wextra -Werror -O2 -Iinclude "$source" -o "$out/$(basename "$source" .c)-c" \
        -L"$lib" -lonsclient4cpp -lpthread -ldl -Wl,-rpath,"$lib"
done
for source in examples/*.cpp; do
    "${CXX:-c++}" -std=c++11 -Wall -Wextra -Wpedantic -Werror -O2 -Iinclude -Ibindings/cpp/include "$source" \
        -o "$out/$(basename "$source" .cpp)-cpp" -L"$lib" -lonsclient4cpp -lpthread -ldl -Wl,-rpath,"$lib"
done
# With the profile and features of `cargo test`, which has built the same library already.
"${CARGO:-cargo}" build --profile test --features testing --locked --examples
for source in examples/*.rs; do
    stem=$(basename "$source" .rs)
    cp "target/debug/examples/$stem" "$out/$stem-rs"
done

status=0
tools/has-dotnet.sh "C# examples" || status=$?
[ "$status" = 1 ] && exit 0
[ "$status" = 0 ] || exit "$status"
for source in examples/*.cs; do
    dotnet build "$source" -c Release -o "$out/$(basename "$source" .cs)-cs" --nologo -v quiet
done
