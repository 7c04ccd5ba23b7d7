#!/usr/bin/env bash
# Says by its exit code whether a .NET SDK 10 or newer is on PATH.
#
# has-dotnet.sh WHAT: 0 when there is one; else one line that WHAT is skipped and 1, or, with REQUIRE_DOTNET=1, 2.
set -u

version=$(cd / && command -v dotnet >/dev/null 2>&1 && dotnet --version 2>/dev/null)
[ "${version%%.*}" -ge 10 ] 2>/dev/null && exit 0
if [ "${REQUIRE_DOTNET:-0}" = 1 ]; then
    echo "$1: a .NET SDK 10 or newer is required (REQUIRE_DOTNET=1), found: ${version:-none}" >&2
    exit 2
fi
echo "$1: skipped, no .NET SDK 10 or newer on PATH"
exit 1
