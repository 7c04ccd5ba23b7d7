#!/usr/bin/env bash
# The demonstration in every language; the result lines of all stand together at the end.
set -uo pipefail
cd "$(dirname "$0")/.."

output=$(mktemp)
trap 'rm -f "$output"' EXIT
results=()
status=0

demo() {
    # The last line is the result; what comes before it is progress and is shown as it comes.
    demo/run.sh "$1" | tee "$output" || status=1
    results+=("$(tail -n 1 "$output")")
}

demo cpp
dotnet=0
reason=$(tools/has-dotnet.sh "demo csharp") || dotnet=$?
case $dotnet in
0) demo csharp ;;
1) results+=("$reason") ;;
*) status=1 ;;
esac
echo
printf '%s\n' "${results[@]}"
exit "$status"
