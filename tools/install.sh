#!/usr/bin/env bash
# Installs headers, libraries and package files; build/lib has to be there (tools/link-library.sh makes it):
#   tools/install.sh PREFIX          (below $DESTDIR, if that is set)
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${1:?usage: tools/install.sh PREFIX}
[[ $prefix == /* ]] || prefix=$PWD/$prefix
target=${DESTDIR:-}$prefix
built=build/lib
soname=libonsclient4cpp.so.1
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
[ -e "$built/$soname" ] || { echo "$built/$soname is missing: run make first" >&2; exit 1; }
real=$(readlink "$built/$soname")

install -d "$target/include/ons/detail" "$target/lib/pkgconfig" "$target/lib/cmake/ons"
install -m 644 include/ons.h bindings/cpp/include/*.h "$target/include"
install -m 644 bindings/cpp/include/ons/detail/*.h "$target/include/ons/detail"

install -m 755 "$built/$real" "$target/lib"
ln -sf "$real" "$target/lib/$soname"
ln -sf "$soname" "$target/lib/libonsclient4cpp.so"
ln -sf libonsclient4cpp.so "$target/lib/libons.so"
install -m 644 "$built/libonsclient4cpp.a" "$target/lib"
ln -sf libonsclient4cpp.a "$target/lib/libons.a"

fill() { sed -e "s/@VERSION@/$version/; s/@MAJOR@/${version%%.*}/; s/@REAL@/$real/; s/@SONAME@/$soname/" \
    "bindings/cpp/packaging/$1.in" >"$2/$1" && chmod 644 "$2/$1"; }
fill ons.pc "$target/lib/pkgconfig"
fill onsConfig.cmake "$target/lib/cmake/ons"
fill onsConfigVersion.cmake "$target/lib/cmake/ons"
echo "ons $version is installed in $target"
