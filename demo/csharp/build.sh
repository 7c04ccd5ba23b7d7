#!/usr/bin/env bash
# Builds the two C# demo programs into OUTDIR:  demo/csharp/build.sh OUTDIR
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:?usage: demo/csharp/build.sh OUTDIR}
for program in send consume; do
    dotnet publish "$root/demo/csharp/$program" -c Release -o "$out" --nologo -v quiet
done
