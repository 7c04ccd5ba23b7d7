#!/usr/bin/env bash
# Builds the two C++ demo programs into OUTDIR against build/lib:  demo/cpp/build.sh OUTDIR
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:?usage: demo/cpp/build.sh OUTDIR}
mkdir -p "$out"
for program in send consume; do
    ${CXX:-g++} -std=c++11 -O2 -Wall -Wextra -I"$root/bindings/cpp/include" -I"$root/include" \
        "$root/demo/cpp/$program.cpp" -o "$out/$program" -L"$root/build/lib" -lonsclient4cpp -lpthread -ldl
done
