#!/bin/sh
# Each header in each dialect with each compiler that is there: on its own if it is one of those
# that are installed for applications, else after nxt_main.h.
set -eu
include=$1
failed=0

check() { # SOURCE COMPILER LANGUAGE STANDARD FLAGS...
    source=$1 compiler=$2 language=$3 standard=$4
    shift 4
    printf '%b' "$source" | "$compiler" -x "$language" "-std=$standard" "-I$include" \
        -Wall -Wextra -Werror "$@" -fsyntax-only - \
        || { echo "failed: $name: $compiler -std=$standard" >&2; failed=1; }
}

for header in "$include"/*.h; do
    name=${header##*/}
    case $name in
        nxt_unit*.h | nxt_websocket_header.h | nxt_auto_config.h | nxt_version.h) alone=1 before= ;;
        nxt_main.h) alone=0 before= ;;
        *) alone=0 before='#include <nxt_main.h>\n' ;;
    esac
    for compiler in gcc clang; do
        command -v $compiler > /dev/null || continue
        for standard in c11 c17 gnu11; do
            check "$before#include <$name>\nint x;\n" $compiler c $standard -Wpedantic
        done
    done
    [ $alone = 1 ] || continue
    for compiler in g++ clang++; do
        command -v $compiler > /dev/null || continue
        check "#include <$name>\nint x;\n" $compiler c++ c++17
    done
done

[ $failed = 0 ] && echo "headers: all compile"
exit $failed
