#!/usr/bin/env bash
# Builds the two C# demo programs into OUTDIR/lib, and OUTDIR/send and OUTDIR/consume that start them:  demo/csharp/build.sh OUTDIR
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "${1:?usage: demo/csharp/build.sh OUTDIR}"
out=$(cd "$1" && pwd)
for program in send consume; do
    dotnet publish "$root/demo/csharp/$program" -c Release -o "$out/lib" --nologo -v quiet
    printf '#!/usr/bin/env bash\nexec dotnet "%s" "$@"\n' "$out/lib/$program.dll" >"$out/$program"
    chmod +x "$out/$program"
done
