#!/bin/sh
# ./configure, make and make install as recipes of packages use them, in a copy of the sources and
# in the debug ABI; then the installed daemon serves a request and an application is built on the
# installed libunit.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

fail() {
    echo "configure.sh: $*" >&2
    exit 1
}

same() { # WHAT EXPECTED FOUND
    [ "$2" = "$3" ] || fail "$1: expected \"$2\", found \"$3\""
}

(cd "$project" && git ls-files -z --cached --others --exclude-standard | xargs -0 tar cf - 2>/dev/null) | tar xf - -C "$work"
cd "$work"
# The build folders are shared between the runs, the sources are not.
export CARGO_TARGET_DIR="$project/target/configured"
python=$(command -v /usr/bin/python3-config)

# The C programs make functions panic; what is shipped is built without.
export PROBE=panic-probe

# What cannot be done is refused, and leaves nothing behind.
for wrong in --no-regex --no-ipv6 --no-unix-sockets --no-pcre2 --fuzz=x --unknown; do
    ./configure $wrong > out 2>&1 && fail "$wrong is accepted"
    grep -q -e "$wrong" out || fail "the error does not name $wrong: $(cat out)"
done
[ ! -e build/config.mk ] || fail "a refused option leaves a configuration"
./configure python > out 2>&1 && fail "a language without ./configure is accepted"
grep -q 'please run ./configure' out || fail "$(cat out)"

./configure --prefix=/opt/unit --statedir=/opt/state --user=nobody --control=unix:/run/c.sock --debug --tests \
    --openssl --cc-opt='-O1 -g' --ld-opt='-Wl,-z,now -Wl,--as-needed' > out
grep -q '"/opt/state"' out || fail "no summary: $(cat out)"
for wrong in php perl ruby java wasm wasm-wasi-component; do
    ./configure $wrong > out 2>&1 && fail "$wrong without --source is accepted"
    grep -q -e --source out || fail "$(cat out)"
done
./configure python --config="$python" --module=py3
./configure python --config="$python" --module=py3 > out 2>&1 && fail "a module is configured twice"

make -s D=1 E=0 unitd
make -s D=1 build/lib/libunit.a
make -s D=1 DESTDIR="$work/root" install libunit-install
root=$work/root/opt/unit
for file in sbin/unitd lib/unit/modules/py3.unit.so lib/libunit.a include/nxt_unit.h share/man/man8/unitd.8 share/pkgconfig/unit.pc; do
    [ -f "$root/$file" ] || fail "$file is not installed"
done
[ -d "$work/root/opt/state" ] || fail "no state directory"
same version "configured as ./configure --prefix=/opt/unit --statedir=/opt/state --user=nobody --control=unix:/run/c.sock --debug --tests --openssl --cc-opt='-O1 -g' --ld-opt='-Wl,-z,now -Wl,--as-needed'" \
    "$("$root/sbin/unitd" --version 2>&1 | sed -n 2p)"
"$root/sbin/unitd" --help | grep -q 'unix:/run/c.sock' || fail "the control address is not compiled in"
readelf -d "$root/sbin/unitd" | grep -q NOW || fail "--ld-opt did not reach the linker"

# An application by pkg-config.
export PKG_CONFIG_PATH="$root/share/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$work/root"
same confargs '--prefix=/opt/unit' "$(pkg-config --variable=confargs unit | cut -d ' ' -f 1)"
same modulesdir /opt/unit/lib/unit/modules "$(pkg-config --variable=modulesdir unit | sed "s|^$work/root||")"
cat > application.c <<'END'
#include <nxt_unit.h>
#include <nxt_unit_request.h>
#include <string.h>

#if NXT_DEBUG != 1
#error "the headers are not those of the debug ABI"
#endif

static void handle(nxt_unit_request_info_t *req)
{
    int rc = nxt_unit_response_init(req, 200, 0, 0);
    if (rc == NXT_UNIT_OK) {
        rc = nxt_unit_response_write(req, "installed\n", 10);
    }
    nxt_unit_request_done(req, rc);
}

int main(void)
{
    nxt_unit_init_t init;
    memset(&init, 0, sizeof(init));
    init.callbacks.request_handler = handle;
    nxt_unit_ctx_t *ctx = nxt_unit_init(&init);
    return ctx == NULL || nxt_unit_run(ctx) != NXT_UNIT_OK;
}
END
# shellcheck disable=SC2046 # lists of options
cc -o application application.c $(pkg-config --cflags --libs --static unit)

# The libraries of the core, and the shared libunit; the C programs on them, in the debug ABI.
make -s D=1 DESTDIR="$work/root" libnxt-install
make -s -C c-tests BUILD="$work/build" D=1 plain > out 2>&1 || fail "$(cat out)"
for file in lib/libnxt.so lib/libnxt.a lib/libunit.so include/nxt/nxt_main.h share/pkgconfig/nxt.pc; do
    [ -f "$root/$file" ] || fail "$file is not installed"
done
same soname '[libnxt.so.1]' "$(readelf -d "$root/lib/libnxt.so" | awk '/SONAME/ { print $NF }')"
# shellcheck disable=SC2046 # lists of options
cc -o application-shared application.c $(pkg-config --cflags --libs unit) -Wl,-rpath,"$root/lib"
readelf -d application-shared | grep -q 'libunit.so.1' || fail "libunit.so is not used"
cat > wsgi.py <<'END'
def application(environ, start_response):
    start_response('200 OK', [('Content-Length', '5')])
    return [b'debug']
END

# The installed daemon loads the module of its debug ABI, and runs the application.
"$root/sbin/unitd" --control "unix:$work/control" --pid "$work/pid" --log "$work/log" --statedir "$work/root/opt/state" \
    --modulesdir "$root/lib/unit/modules" --tmpdir "$work" || fail "unitd does not start: $(cat "$work/log")"
trap '[ ! -e "$work/pid" ] || kill "$(cat "$work/pid")"; sleep 1; rm -rf "$work"' EXIT
curl -sS --unix-socket "$work/control" -X PUT --data-binary @- http://localhost/config > out <<END
{"listeners": {"unix:$work/shared.sock": {"pass": "applications/shared"}, "unix:$work/c.sock": {"pass": "applications/c"}, "unix:$work/py.sock": {"pass": "applications/py"}},
 "applications": {"c": {"type": "external", "executable": "$work/application"},
                  "shared": {"type": "external", "executable": "$work/application-shared"},
                  "py": {"type": "python", "path": "$work", "module": "wsgi"}}}
END
grep -q 'Reconfiguration done' out || fail "$(cat out "$work/log")"
same "the application on libunit.a" installed "$(curl -sS --unix-socket "$work/c.sock" http://localhost/)"
same "the application on libunit.so" installed "$(curl -sS --unix-socket "$work/shared.sock" http://localhost/)"
same "the module of the debug ABI" debug "$(curl -sS --unix-socket "$work/py.sock" http://localhost/)"
kill "$(cat "$work/pid")"

# make uninstall leaves no file of an installation.
make -s D=1 DESTDIR="$work/root" uninstall libunit-uninstall libnxt-uninstall
same "left by make uninstall" '' "$(find "$root" ! -type d | head -n 3)"
echo "configure: all as expected"
