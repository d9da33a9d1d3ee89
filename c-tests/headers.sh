#!/bin/sh
# Each header in each dialect with each compiler that is there: on its own if it is one of those
# that are installed for applications, else after nxt_main.h.
set -eu
include=$1
failed=0

check() { # COMPILER LANGUAGE STANDARD FLAGS... < source
    compiler=$1 language=$2 standard=$3
    shift 3
    "$compiler" -x "$language" "-std=$standard" "-I$include" -Wall -Wextra -Werror "$@" \
        -fsyntax-only - || { echo "failed: $compiler -std=$standard" >&2; failed=1; }
}

for header in "$include"/*.h; do
    name=${header##*/}
    case $name in
        nxt_unit*.h | nxt_websocket_header.h | nxt_auto_config.h | nxt_version.h) alone=1 ;;
        *) alone=0 ;;
    esac
    for compiler in gcc clang; do
        command -v $compiler > /dev/null || continue
        for standard in c11 c17 gnu11; do
            if [ $alone = 1 ] || [ "$name" = nxt_main.h ]; then
                printf '#include <%s>\nint x;\n' "$name"
            else
                printf '#include <nxt_main.h>\n#include <%s>\nint x;\n' "$name"
            fi | check $compiler c $standard -Wpedantic
        done
    done
    [ $alone = 1 ] || continue
    for compiler in g++ clang++; do
        command -v $compiler > /dev/null || continue
        printf '#include <%s>\nint x;\n' "$name" | check $compiler c++ c++17
    done
done

[ $failed = 0 ] && echo "headers: all compile"
exit $failed
