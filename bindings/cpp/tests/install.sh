# Sourced by run.sh. Guards against: an installed tree that a program cannot be built against in one of the
# documented ways. Each way builds the examples and runs them: send, then consume.

prefix=$out/prefix

# installed NAME COMMAND_PREFIX...: builds $out/installed/NAME-{send,consume} and runs both.
installed() {
    local name=$1 home
    shift
    mkdir -p "$out/installed"
    home=$(mktemp -d)
    for program in send consume; do
        "$@" "examples/$program.cpp" "$out/installed/$name-$program" || return 1
        HOME=$home ONS_HOME=$home/ons timeout 60 "$out/installed/$name-$program" >"$out/installed/$name.txt" || return 1
    done
    [ "$(sort -u "$out/installed/$name.txt" | grep -c '^received hello ')" = 10 ] || return 1
    rm -rf "$home"
}

with_shared() { g++ -Wall -Wno-deprecated -L "$prefix/lib/" -I "$prefix/include/" "$1" -o "$2" -lonsclient4cpp -lpthread -ldl; }
shared() { LD_LIBRARY_PATH=$prefix/lib installed shared with_shared; }

with_short_name() { g++ -L "$prefix/lib" -I "$prefix/include" "$1" -o "$2" -lons; }
short_name() { LD_LIBRARY_PATH=$prefix/lib installed short-name with_short_name &&
    readelf -d "$out/installed/short-name-send" | grep -q 'NEEDED.*\[libonsclient4cpp.so.1\]'; }

with_static() { g++ -I "$prefix/include" -L "$prefix/lib" "$1" -o "$2" -Wl,-dn -lonsclient4cpp -Wl,-dy -lpthread -ldl; }
static() { installed static with_static && ! readelf -d "$out/installed/static-send" | grep -q onsclient4cpp; }

with_everything_static() { g++ -static -I "$prefix/include" -L "$prefix/lib" "$1" -o "$2" -lonsclient4cpp -lpthread -ldl; }
everything_static() { installed everything-static with_everything_static &&
    ! readelf -d "$out/installed/everything-static-send" | grep -q NEEDED; }

with_pkg_config() { # shellcheck disable=SC2046
    g++ "$1" -o "$2" $(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs 'ons >= 0.1'); }
pkg_config() { LD_LIBRARY_PATH=$prefix/lib installed pkg-config with_pkg_config; }

with_c() { cc -std=c89 -I "$prefix/include" "${1%.cpp}.c" -o "$2" -L "$prefix/lib" -lonsclient4cpp -lpthread; }
c_programs() { LD_LIBRARY_PATH=$prefix/lib installed c with_c; }

# The whole tree moved elsewhere, as packagers do.
cmake_package() {
    local moved=$out/moved home
    rm -rf "$moved" "$out/cmake" && cp -a "$prefix" "$moved" &&
        cmake -S bindings/cpp/tests/find_package -B "$out/cmake" -DCMAKE_PREFIX_PATH="$moved" -DEXAMPLES="$PWD/examples" &&
        cmake --build "$out/cmake" || return 1
    for kind in shared static; do
        home=$(mktemp -d)
        for program in send consume; do
            HOME=$home ONS_HOME=$home/ons timeout 60 "$out/cmake/$program-$kind" || return 1
        done
        rm -rf "$home"
    done
}

install_tests() {
    rm -rf "$prefix"
    check install/tree tools/install.sh "$prefix"
    check install/shared shared
    check install/short_name short_name
    check install/static static
    check install/everything_static everything_static
    check install/c_programs c_programs
    if have pkg-config; then check install/pkg_config pkg_config; else skip install/pkg_config "no pkg-config"; fi
    if have cmake; then check install/cmake_package cmake_package; else skip install/cmake_package "no cmake"; fi
}
