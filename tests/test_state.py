"""The state directory: kills, full disks, broken files, directories of Unit 1.35.0."""

import ctypes
import errno
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time

import pytest

from daemon import Daemon, wait_for_end

DATA = pathlib.Path(__file__).resolve().parent / 'data'


def document(number, size=0):
    return {'listeners': {}, 'routes': [{'action': {'return': 200 + number, 'location': 'x' * size}}],
            'applications': {}}


def kill(unit):
    """Ends main as a crash would; everything else ends with it."""
    tree = unit.processes()
    unit.process.kill()
    unit.process.wait(30)
    left = wait_for_end(tree)
    assert not left, left
    unit.process = None


def leftovers(unit):
    return [p for p in unit.state.rglob('*.tmp')]


class Traced:
    """A process under ptrace(2): stops at each beginning and end of a system call. All calls come
    from the thread that made it."""

    SEIZE, INTERRUPT, SYSCALL = 0x4206, 0x4207, 24
    TRACESYSGOOD, WALL = 1, 0x40000000

    def __init__(self, pid):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.pid = pid
        self._ptrace(self.SEIZE, self.TRACESYSGOOD)
        self._ptrace(self.INTERRUPT)
        os.waitpid(pid, self.WALL)

    def _ptrace(self, request, data=0):
        if self.libc.ptrace(request, self.pid, None, data) == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def resume(self):
        self._ptrace(self.SYSCALL)

    def next_stop(self, finished):
        """Waits for the next stop; false if there is none although everything is `finished`."""
        end = None
        while end is None or time.monotonic() < end:
            pid, status = os.waitpid(self.pid, self.WALL | os.WNOHANG)
            if pid:
                return os.WIFSTOPPED(status)
            if end is None and finished():
                end = time.monotonic() + 0.3
            time.sleep(0.0005)
        return False


def can_trace():
    scope = pathlib.Path('/proc/sys/kernel/yama/ptrace_scope')
    return os.geteuid() == 0 or not scope.exists() or int(scope.read_text()) <= 1


def put(unit, config):
    """Puts a configuration while the daemon may die; the status, if there was an answer."""
    answers = []

    def run():
        try:
            answers.append(unit.control('PUT', '/config', config).status)
        except (OSError, EOFError):
            pass

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answers


def test_kill_at_every_step_of_main(unit):
    """Main is killed at each system call from the arrival of a configuration to its last answer."""
    if not can_trace():
        pytest.skip('ptrace is not allowed')
    old, new = document(0), document(1, 5000)
    unit.configure(old)
    outcomes, step = [], 0
    while True:
        traced = Traced(unit.process.pid)
        traced.resume()
        thread, answers = put(unit, new)
        at = 0
        while at <= step and traced.next_stop(lambda: answers):
            at += 1
            if at <= step:
                traced.resume()
        kill(unit)
        thread.join()
        unit.start()
        found = unit.control('GET', '/config').json()
        assert found in (old, new), (step, found)
        # Whoever heard of success finds what they put.
        assert answers != [200] or found == new, step
        assert not leftovers(unit), step
        outcomes.append(found == new)
        unit.configure(old)
        if at <= step:
            break
        step += 1
    assert len(outcomes) > 15 and not outcomes[0] and outcomes[-1], outcomes


def test_kills_at_any_moment(unit):
    """One configuration after the other, and a kill at another moment each time."""
    size = 20000
    stored, number = 0, 0
    unit.configure(document(0, size))
    for round_ in range(40):
        first = number + 1
        stop = threading.Event()

        def run():
            nonlocal number, stored
            while not stop.is_set():
                number += 1
                try:
                    if unit.control('PUT', '/config', document(number % 700, size)).status == 200:
                        stored = number
                except (OSError, EOFError):
                    return

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.01 + round_ * 0.0007)
        kill(unit)
        stop.set()
        thread.join()
        unit.start()
        found = unit.control('GET', '/config').json()
        # What was answered last, or what was being stored.
        assert found in (document(stored % 700, size), document(number % 700, size)), (round_, first, stored, number)
        assert not leftovers(unit)
        stored = number if found == document(number % 700, size) else stored
        number = stored


@pytest.fixture
def small_disk(unit):
    """A state directory of 64 KiB."""
    unit.stop()
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', unit.state],
                             capture_output=True)
    if mounted.returncode:
        unit.start()
        pytest.skip('no file system can be mounted here')
    try:
        unit.start()
        yield unit
        unit.stop()
    finally:
        subprocess.run(['umount', '-l', unit.state], check=True)


def test_full_disk(small_disk):
    unit = small_disk
    config = {'listeners': {f'127.0.0.1:{unit.port}': {'pass': 'routes'}},
              'routes': [{'action': {'return': 201}}], 'applications': {}}
    unit.configure(config)
    big = dict(config, routes=[{'action': {'return': 202, 'location': 'x' * 100000}}])
    for _ in range(3):
        a = unit.control('PUT', '/config', big)
        assert a.status == 500
        assert a.json()['error'] == 'Failed to store new configuration.'
        assert a.json()['detail'].endswith('conf.json.tmp") failed (28: No space left on device)'), a.text
        # Stored and in force is what was before, and the space is free again.
        assert unit.get().status == 201
        assert unit.control('GET', '/config').json() == config
        assert not leftovers(unit)
    unit.wait_log('failed to store current configuration')
    (unit.state / 'filler').write_bytes(b'')
    with open(unit.state / 'filler', 'wb', buffering=0) as filler:
        try:
            while True:
                filler.write(b'x' * 4096)
        except OSError as e:
            assert e.errno == errno.ENOSPC
    small = dict(config, routes=[{'action': {'return': 203}}])
    assert unit.control('PUT', '/config', small).status == 500
    unit.stop()
    unit.start()
    assert unit.get().status == 201
    (unit.state / 'filler').unlink()
    unit.configure(small)
    assert unit.get().status == 203


@pytest.mark.parametrize('broken, text', [
    (b'', 'file is corrupted'),
    (b'{"listeners": {', 'file is corrupted'),
    (b'\xff\xfe\x00', 'file is corrupted'),
    (b'{"listeners": {}, "nonsense": 1}', 'the previous configuration is invalid'),
    (b'{"listeners": {"unix:/no/such/folder/x": {"pass": "routes"}}, "routes": []}',
     'failed to apply previous configuration'),
])
def test_broken_configuration_is_kept(unit, broken, text):
    unit.stop()
    conf = unit.state / 'conf.json'
    conf.write_bytes(broken)
    unit.start()
    unit.wait_log(text)
    assert unit.control('GET', '/config').json() == {'listeners': {}, 'routes': [], 'applications': {}}
    assert conf.read_bytes() == broken
    for number in (1, 2):
        unit.configure(document(number))
        kept = list(unit.state.glob('conf.json.rejected-*'))
        assert [k.read_bytes() for k in kept] == [broken]
        assert json.loads(conf.read_bytes()) == document(number)
    unit.wait_log(f'the configuration that could not be used is kept in "{kept[0]}"')


def test_unreadable_configuration_is_kept(unit):
    unit.stop()
    (unit.state / 'conf.json').mkdir()
    unit.start()
    unit.wait_log('conf.json") failed (21: Is a directory)')
    unit.configure(document(1))
    assert len(list(unit.state.glob('conf.json.rejected-*'))) == 1


def test_leftovers_of_a_crash_are_removed(unit):
    unit.configure(document(1))
    unit.stop()
    for name in ('conf.json.tmp', 'version.tmp', 'certs/.nxt-store.tmp', 'scripts/.nxt-store.tmp'):
        (unit.state / name).write_bytes(b'half')
    unit.start()
    assert not leftovers(unit)
    assert unit.control('GET', '/config').json() == document(1)


def test_directory_of_unit_is_taken_over():
    """The layout of a state directory of Unit 1.35.0."""
    unit = Daemon()
    try:
        unit.stop()
        shutil.rmtree(unit.state)
        shutil.copytree(DATA / 'state-1.35.0', unit.state)
        stored = (unit.state / 'conf.json').read_bytes()
        unit.start()
        assert unit.control('GET', '/config').json() == json.loads(stored)
        files = sorted(str(p.relative_to(unit.state)) for p in unit.state.rglob('*') if p.is_file())
        assert files == ['certs/bundle', 'conf.json', 'scripts/greeting', 'version']
        assert (unit.state / 'conf.json').read_bytes() == stored
        unit.configure(document(1))
        assert (unit.state / 'version').read_bytes() == b'13500'
        assert not (unit.state / 'conf.json').read_bytes().endswith(b'\n')
        assert not list(unit.state.glob('conf.json.rejected-*'))
    finally:
        unit.remove()
