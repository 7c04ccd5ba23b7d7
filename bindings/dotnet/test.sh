#!/usr/bin/env bash
# Builds and tests the .NET classes. Needs `make` before it (the native library in build/lib) and a .NET SDK >= 10.
# The last line is `N passed, N failed, N skipped`; the exit code is not 0 unless every test passed.
set -uo pipefail
cd "$(dirname "$0")"
export TESTINGPLATFORM_TELEMETRY_OPTOUT=1 TESTINGPLATFORM_NOBANNER=1
configuration=Release
passed=0 failed=0 skipped=0

if ! dotnet build Ons.slnx -c $configuration --nologo -v quiet; then
    echo "the .NET classes do not build"
    failed=1
else
    for project in Ons.Tests ManagedONS.Tests; do
        output=$(mktemp)
        "$project/bin/$configuration/net10.0/$project" "$@" 2>&1 | tee "$output"
        status=${PIPESTATUS[0]}
        count() { sed -n "s/^ *$1: \([0-9]*\)$/\1/p" "$output" | tail -n 1; }
        if [ -z "$(count total)" ]; then
            echo "$project ended without a summary, exit code $status"
            failed=$((failed + 1))
        else
            passed=$((passed + $(count succeeded))) failed=$((failed + $(count failed))) skipped=$((skipped + $(count skipped)))
            [ "$status" -eq 0 ] || [ "$(count failed)" -ne 0 ] || failed=$((failed + 1))
        fi
        rm -f "$output"
    done
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
