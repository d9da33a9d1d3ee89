#!/bin/sh
# What the daemon exports must be exactly exports/nxt.syms, and the library must define all of it.
set -eu
build=$1
list=../exports/nxt.syms
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
LC_ALL=C
export LC_ALL

nm -D --defined-only "$build/sbin/unitd" | awk '{ print $3 }' | sort > "$work/unitd"
diff -u "$list" "$work/unitd" || { echo "unitd does not export what $list says" >&2; exit 1; }

nm -g --defined-only "$build/lib/libnxt.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u > "$work/libnxt"
comm -23 "$list" "$work/libnxt" > "$work/missing"
[ ! -s "$work/missing" ] || { echo "libnxt.a lacks:" >&2; cat "$work/missing" >&2; exit 1; }

echo "symbols: $(wc -l < "$list") exported"

# A module shows its one object and nothing of the libunit inside, and finds all it needs.
nm -D --defined-only "$build/c-tests/module.so" | awk '{ print $3 }' > "$work/shown"
[ "$(cat "$work/shown")" = nxt_app_module ] || { echo "a module exports:" >&2; cat "$work/shown" >&2; exit 1; }

nm -D --undefined-only "$build/c-tests/module.so" | awk '$2 ~ /^nxt_/ { print $2 }' | sort > "$work/taken"
comm -13 "$list" "$work/taken" > "$work/missing"
[ ! -s "$work/missing" ] || { echo "unitd does not have what a module takes:" >&2; cat "$work/missing" >&2; exit 1; }

echo "module: takes $(wc -l < "$work/taken") from its host"
