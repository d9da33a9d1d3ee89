"""The command line, the daemon mode, the log."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile

import pytest

from daemon import BUILD, ROOT, Daemon, wait_for, wait_for_end

UNITD = BUILD / 'sbin/unitd'


def run(*arguments):
    return subprocess.run([UNITD, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_version():
    r = run('--version', '--nonsense')
    assert (r.returncode, r.stdout) == (0, '')
    assert re.fullmatch(r'unit version: 1\.35\.0\nconfigured as \./configure.*\n', r.stderr)


def test_help():
    for option in ('--help', '-h'):
        r = run(option)
        assert r.returncode == 0
        for name in ('--version', '--no-daemon', '--control', '--control-mode', '--control-user', '--control-group',
                     '--pid', '--log', '--modulesdir', '--statedir', '--tmpdir', '--user', '--group'):
            assert name in r.stdout


@pytest.mark.parametrize('arguments, message', [
    (['--nonsense'], 'unknown option "--nonsense", try "{unitd} -h" for available options'),
    (['--control'], 'option "--control" requires socket address'),
    (['--pid'], 'option "--pid" requires filename'),
    (['--user'], 'option "--user" requires username'),
    (['--statedir'], 'option "--statedir" requires directory'),
    (['--control-mode'], 'option "--control-mode" requires a mode'),
])
def test_bad_arguments(arguments, message):
    r = run(*arguments)
    assert r.returncode == 1
    assert message.format(unitd=UNITD) in r.stderr


def test_deprecated_options(tmp_path):
    r = run('--state', tmp_path, '--version')
    assert 'option "--state" is deprecated; use "--statedir" instead' in r.stderr


@pytest.mark.parametrize('option, value', [('--log', '/nonexistent/x.log'), ('--control', 'unix:'), ('--control', '1.2.3:x'),
                                           ('--user', 'no-such-user')])
def test_start_that_cannot_be(tmp_path, option, value):
    if option == '--user' and os.geteuid() != 0:
        pytest.skip('ignored without root')
    arguments = {'--log': tmp_path / 'log', '--pid': tmp_path / 'pid', '--control': f'unix:{tmp_path}/c',
                 '--statedir': tmp_path, '--modulesdir': tmp_path, '--tmpdir': tmp_path}
    arguments[option] = value
    r = run('--no-daemon', *(x for pair in arguments.items() for x in pair))
    assert r.returncode == 1
    assert (r.stderr + ((tmp_path / 'log').read_text() if (tmp_path / 'log').exists() else '')).strip()


def test_daemon_mode(tmp_path):
    r = run('--log', tmp_path / 'log', '--pid', tmp_path / 'pid', '--control', f'unix:{tmp_path}/control',
            '--statedir', tmp_path, '--modulesdir', BUILD / 'lib/unit/modules', '--tmpdir', tmp_path,
            '--control-mode', '666')
    assert r.returncode == 0
    wait_for((tmp_path / 'control').exists)
    pid = int(wait_for(lambda: (tmp_path / 'pid').read_text() if (tmp_path / 'pid').exists() else ''))
    try:
        wait_for(lambda: (tmp_path / 'control').stat().st_mode & 0o777 == 0o666, what='the mode of the socket')
        assert (tmp_path / 'log').stat().st_mode & 0o777 == 0o600
        assert os.getsid(pid) == pid
        wait_for(lambda: 'router started' in (tmp_path / 'log').read_text())
    finally:
        os.kill(pid, signal.SIGTERM)
        assert not wait_for_end([pid])
    assert not (tmp_path / 'control').exists()


def test_log_lines(unit):
    for record in ('discovery started', 'controller started', 'router started'):
        unit.wait_log(record)
    for line in unit.log().splitlines():
        assert re.match(r'\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(alert|error|warn|notice|info)\] \d+#\d+ ', line), line


def test_log_rotation(unit):
    unit.log_file.rename(unit.dir / 'old.log')
    os.kill(unit.process.pid, signal.SIGUSR1)
    wait_for(unit.log_file.exists)
    os.kill(unit.pid('unit: router'), signal.SIGKILL)
    unit.wait_log('exited on signal 9')
    wait_for(lambda: unit.control('GET', '/config').status == 200)


def test_second_daemon_on_a_live_control_socket(unit, tmp_path):
    r = run('--no-daemon', '--control', f'unix:{unit.socket}', '--log', tmp_path / 'log', '--pid', tmp_path / 'pid',
            '--statedir', tmp_path, '--modulesdir', tmp_path, '--tmpdir', tmp_path)
    assert r.returncode == 1
    assert unit.control('GET', '/config').status == 200


@pytest.fixture
def modules_folder():
    """A folder that discovery, which runs as anybody, can read."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        yield folder


def test_modules_that_do_not_load(modules_folder):
    (modules_folder / 'broken.unit.so').write_bytes(b'not an ELF file')
    (modules_folder / 'empty.unit.so').write_bytes(b'')
    subprocess.run(['gcc', '-shared', '-x', 'c', '-o', modules_folder / 'foreign.unit.so', '-'], input=b'int x;', check=True)
    subprocess.run(['gcc', '-shared', '-x', 'c', '-o', modules_folder / 'other.unit.so', '-'], check=True,
                   input=b'unsigned c[2] = {13400, 0}; struct { unsigned long l; unsigned *c; char pad[64]; } '
                         b'nxt_app_module = { sizeof c, c };')
    daemon = Daemon(['--modulesdir', str(modules_folder)])
    try:
        for name in ('broken.unit.so', 'empty.unit.so', 'foreign.unit.so', 'other.unit.so'):
            assert name in daemon.log(), name
        a = daemon.control('PUT', '/config', {'applications': {'a': {'type': 'python', 'module': 'm'}}})
        assert (a.status, a.json()['detail']) == (
            400, 'The module to run "python" is not found among the available application modules.')
        daemon.serve(routes=[{'action': {'return': 200}}])
        assert daemon.get().status == 200
    finally:
        daemon.remove()


def test_a_module_of_the_other_debug_setting(modules_folder):
    for debug in (0, 1):
        source = f'''#include <nxt_main.h>
            #include <nxt_application.h>
            static uint32_t compat[] = {{ NXT_VERNUM, {debug} }};
            NXT_EXPORT nxt_app_module_t nxt_app_module = {{
                .compat_length = sizeof(compat), .compat = compat, .type = nxt_string("php"), .version = "9.{debug}" }};'''
        subprocess.run(['gcc', '-shared', '-fPIC', '-I', ROOT / 'include', '-x', 'c', '-o',
                        modules_folder / f'{debug}.unit.so', '-'], input=source.encode(), check=True)
    daemon = Daemon(['--modulesdir', str(modules_folder)])
    try:
        # What each is gets logged, and one of the two is for this daemon.
        log = daemon.log()
        assert [f'module: php 9.{debug} "{modules_folder}/{debug}.unit.so"' in log for debug in (0, 1)] == [True, True]
        incompatible = [f'incompatible module {modules_folder}/{debug}.unit.so' in log for debug in (0, 1)]
        assert sorted(incompatible) == [False, True]
        for debug in (0, 1):
            # None of its processes is started: there is no PHP behind it.
            application = {'type': f'php 9.{debug}', 'root': str(modules_folder), 'processes': {'spare': 0}}
            a = daemon.control('PUT', '/config', {'applications': {'a': application}})
            assert a.status == (400 if incompatible[debug] else 200)
    finally:
        daemon.remove()
