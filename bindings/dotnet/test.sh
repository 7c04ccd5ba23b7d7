#!/usr/bin/env bash
# Builds and tests the .NET classes. Needs `make` before it (the native library in build/lib) and a .NET SDK >= 10.
# The last line is `N passed, N failed, N skipped`; the exit code is not 0 unless every test passed.
set -uo pipefail
cd "$(dirname "$0")"
configuration=Release
passed=0 failed=0 skipped=0

if ! dotnet build Ons.slnx -c $configuration --nologo -v quiet; then
    echo "the .NET classes do not build"
    failed=1
else
    for project in Ons.Tests ManagedONS.Tests; do
        output=$(mktemp)
        dotnet exec "$project/bin/$configuration/net10.0/$project.dll" -noColor "$@" 2>&1 | tee "$output"
        status=${PIPESTATUS[0]}
        # The runner's last line: "Ons.Tests  Total: 50, Errors: 0, Failed: 5, Skipped: 0, Not Run: 0, Time: 9.9s"
        count() { sed -n "s/^.* $1: \([0-9]*\),.*$/\1/p" "$output" | tail -n 1; }
        total=$(count Total) bad=$(($(count Failed) + $(count Errors))) left_out=$(($(count Skipped) + $(count 'Not Run')))
        if [ -z "$total" ]; then
            echo "$project ended without a summary, exit code $status"
            total=1 bad=1
        elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
            echo "$project ended with exit code $status"
            bad=1
        fi
        passed=$((passed + total - bad - left_out)) failed=$((failed + bad)) skipped=$((skipped + left_out))
        rm -f "$output"
    done
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
