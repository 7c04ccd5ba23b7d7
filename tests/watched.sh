#!/usr/bin/env bash
# Runs a command that must not hang:
#     tests/watched.sh SECONDS COMMAND...
# After so many seconds it shows where each thread stands (by gdb, else what the kernel tells), kills the command and
# returns 124. Otherwise it returns what the command returned.
set -u
seconds=$1
shift
"$@" &
pid=$!

stacks() {
    gdb -p "$1" -batch -nx -ex 'thread apply all backtrace 24' 2>/dev/null && return
    echo "(no gdb here)"
    for task in /proc/"$1"/task/*; do
        echo "$(basename "$task") $(cat "$task/comm"): $(cat "$task/wchan"), $(cat "$task/syscall")"
    done
}

(
    sleep "$seconds" &
    trap 'kill $!; exit' TERM
    wait
    echo "$* hangs: it did not end within $seconds s" >&2
    stacks $pid >&2
    kill -9 $pid
) &
watch=$!
wait $pid
status=$?
kill $watch 2>/dev/null
wait $watch 2>/dev/null
[ $status = 137 ] && status=124
exit $status
