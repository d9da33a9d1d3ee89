#!/bin/sh
# symbols.sh BUILD [BYTES]: what the daemon and the libraries export and need, against the lists of
# exports/ and BUILD/nxt.syms, which was made of them; libunit.a may have at most so many bytes.
set -eu
build=$1
most=${2-}
list=$build/nxt.syms
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
LC_ALL=C
export LC_ALL

exports() { # FILE LIST
    nm -D --defined-only --format=just-symbols "$1" | sort > "$work/exported"
    diff -u "$2" "$work/exported" >&2 || { echo "$1 does not export what $2 says" >&2; exit 1; }
}

exports "$build/sbin/unitd" "$list"
exports "$build/lib/libnxt.so.1" "$list"
exports "$build/lib/shared/libunit.so.1" ../exports/unit.syms

nm -g --defined-only "$build/lib/libnxt.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u > "$work/libnxt"
comm -23 "$list" "$work/libnxt" > "$work/missing"
[ ! -s "$work/missing" ] || { echo "libnxt.a lacks:" >&2; cat "$work/missing" >&2; exit 1; }

# What a module of Unit takes from its host, or brings along with its libunit, and all of what Unit's
# own daemon exports that is in libnxt.a.
names() { # USER
    awk -F '\t' -v user="$1" '!/^#/ && ("," $4 ",") ~ ("," user ",") { print $1 }' ../exports/interface.tsv | sort
}
names module > "$work/modules"
sort -u "$list" ../exports/unit.syms | comm -23 "$work/modules" - > "$work/missing"
[ ! -s "$work/missing" ] || { echo "unitd does not have what modules of Unit take:" >&2; cat "$work/missing" >&2; exit 1; }
names daemon | comm -12 - "$work/libnxt" | comm -23 - "$list" > "$work/missing"
[ ! -s "$work/missing" ] || { echo "unitd could export what Unit's daemon does:" >&2; cat "$work/missing" >&2; exit 1; }

echo "symbols: $(wc -l < "$list") exported, of the $(names daemon | wc -l) of Unit"

# libunit.a goes into every application: it may only take from the C library and from libgcc.
allowed=../exports/unit.needs
nm --undefined-only --format=just-symbols "$build/lib/libunit.a" | sed '/^$/d; /:$/d' | sort -u > "$work/needed"
sort -c "$allowed"
comm -13 "$allowed" "$work/needed" > "$work/more"
[ ! -s "$work/more" ] || {
    echo "libunit.a needs more than $allowed allows; new names are fine only if they are of libc or libgcc:" >&2
    cat "$work/more" >&2
    exit 1
}
bytes=$(wc -c < "$build/lib/libunit.a")
[ "$bytes" -le "${most:-$bytes}" ] || { echo "libunit.a has $bytes bytes; at most $most are allowed" >&2; exit 1; }

echo "libunit.a: $bytes bytes, needs $(wc -l < "$work/needed") names of the system"

# A module shows its one object and nothing of the libunit inside, and finds all it needs.
nm -D --defined-only "$build/c-tests/module.so" | awk '{ print $3 }' > "$work/shown"
[ "$(cat "$work/shown")" = nxt_app_module ] || { echo "a module exports:" >&2; cat "$work/shown" >&2; exit 1; }

nm -D --undefined-only "$build/c-tests/module.so" | awk '$2 ~ /^nxt_/ { print $2 }' | sort > "$work/taken"
comm -13 "$list" "$work/taken" > "$work/missing"
[ ! -s "$work/missing" ] || { echo "unitd does not have what a module takes:" >&2; cat "$work/missing" >&2; exit 1; }

echo "module: takes $(wc -l < "$work/taken") from its host"
