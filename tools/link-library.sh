#!/bin/bash
# Makes the libraries programs link to out of cargo's static library:
#   tools/link-library.sh [PROFILE_DIR] [OUTPUT_DIR]      (default: target/release build/lib)
# rustc gives a cdylib a version script of its own and GNU ld takes only one; so the shared library is linked here, with
# our SONAME and our list of symbols. Fails if anything but ons_* leaves it.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-target/release}
out=${2:-build/lib}
cc=${CC:-cc}
real=libonsclient4cpp.so.$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
soname=libonsclient4cpp.so.1

mkdir -p "$out"
# The header is the list: one line a function.
symbols=$(grep -oE '\bons_[a-z0-9_]+\(' include/ons.h | tr -d '(' | sort -u)
{
    echo 'ONS_1.0 {'
    echo '    global:'
    for symbol in $symbols; do echo "        $symbol;"; done
    echo '    local: *;'
    echo '};'
} >"$out/ons.map"
{
    echo 'LIBRARY ONSClient4CPP'
    echo 'EXPORTS'
    for symbol in $symbols; do echo "    $symbol"; done
} >"$out/ons.def"

# Linked under another name and moved: a program that is running keeps the old file.
"$cc" -shared -o "$out/.$real.new" \
    -Wl,--whole-archive "$profile/libons.a" -Wl,--no-whole-archive \
    -Wl,--version-script="$out/ons.map" -Wl,-soname,$soname -Wl,--gc-sections -Wl,-z,nodelete \
    -Wl,-z,relro,-z,now -Wl,-z,defs -Wl,--compress-debug-sections=zlib -Wl,--as-needed -lpthread -ldl -lm -lrt -lgcc_s -lc
mv -f "$out/.$real.new" "$out/$real"
ln -sf "$real" "$out/$soname"
ln -sf $soname "$out/libonsclient4cpp.so"
ln -sf libonsclient4cpp.so "$out/libons.so"
cp -f "$profile/libons.a" "$out/.libonsclient4cpp.a.new"
mv -f "$out/.libonsclient4cpp.a.new" "$out/libonsclient4cpp.a"
ln -sf libonsclient4cpp.a "$out/libons.a"

exported=$(nm -D --defined-only "$out/$real" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u)
if [ "$exported" != "$symbols" ]; then
    echo "$out/$real does not export exactly what include/ons.h declares:" >&2
    diff <(echo "$symbols") <(echo "$exported") >&2 || true
    exit 1
fi
echo "$out/$real: $(echo "$symbols" | wc -l) functions, SONAME $soname"
