#!/usr/bin/env bash
# Compiles the library for Windows (x86_64-pc-windows-gnu) on a Debian machine, without linking it.
#
# rustup's Windows target is not needed: Debian has a matching compiler and the source of the standard library, which
# is compiled along. Missing packages are installed when this runs as root, else named.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64)
missing=()
for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "check-windows: needs Debian packages: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    apt-get install --yes --no-install-recommends "${missing[@]}"
fi

# Debian's compiler, by its path: a rustup toolchain usually comes first on PATH. -Zbuild-std is why the bootstrap
# variable is set. Its own target folder, because another compiler's artifacts are of no use to it.
export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
unset RUSTC_WRAPPER RUSTUP_TOOLCHAIN
flags=(--target x86_64-pc-windows-gnu -Zbuild-std=std,panic_unwind --target-dir target/windows-check)
/usr/bin/cargo check --lib --bins "${flags[@]}" "$@"
/usr/bin/cargo check --lib --features testing "${flags[@]}" "$@"
echo "check-windows: the library and the tool compile for Windows"
