"""An application that breaks the port protocol harms nobody but itself."""

import os
import shutil
import subprocess
import threading
import time

import pytest
from daemon import ROOT, descriptors, free_port, http, request, wait_for

DAEMON = ('unit: main', 'unit: controller', 'unit: router')

# What the log must say of an attack; None: there is nothing to see, it is the application's right.
ATTACKS = {
    'shutdown': 'the port of the prototype cannot be used: the port is closed',
    'flood': 'dropped',
    'queue': 'is unusable: the shared queue is corrupt',
    'endless': 'dropped',
    'appqueue': 'is restarted with a new queue',
    'ownqueue': 'the queue of the port is corrupt',
    'truncate': None,
    'noread': 'asks for unknown segment',
    'ports': 'is of a foreign process',
    'forge': None,
    'mmap': 'shared memory of process',
    'chunks': 'is outside the segment',
    'flip': None,
    'hold': None,
}

# Those in which it takes requests. What waits for an application that takes none, waits.
TAKES_REQUESTS = ('truncate', 'chunks', 'flip', 'hold', 'appqueue')


@pytest.fixture(scope='module')
def hostile(tmp_path_factory):
    program = tmp_path_factory.mktemp('hostile') / 'hostile'
    subprocess.run([os.environ.get('CC', 'cc'), '-O1', '-Wall', '-Wextra', '-Werror', '-o', program,
                    ROOT / 'tests/hostile/hostile.c', ROOT / 'tests/hostile/protocol.c', '-lpthread'], check=True)
    return program


def daemon_pids(unit):
    return {name: unit.pids(name) for name in DAEMON}


def quietly(address, seconds):
    """A request to the hostile application: any answer or none will do."""
    try:
        http(address, timeout=seconds)
    except OSError:
        pass
    except (EOFError, ValueError, AssertionError):
        pass  # the answer of an application that writes nonsense


def run_attack(unit, hostile, python, attack, *arguments):
    """Sets the application to work beside an honest one; the log of the time."""
    victim, bad = unit.address, ('127.0.0.1', free_port())
    honest = {
        'listeners': {'127.0.0.1:%d' % unit.port: {'pass': 'applications/hello'}},
        'applications': {'hello': python('sleep', processes=2)},
        'settings': {'listen_threads': 2},
    }
    unit.configure(honest)
    for _ in range(10):
        assert unit.get('/?0').status == 200
    before, fds = {name: [unit.pid(name)] for name in DAEMON}, descriptors(unit.pid('unit: router'))
    main_fds = descriptors(unit.process.pid)
    start = len(unit.log())
    # Where the application's user can reach it.
    program = shutil.copy(hostile, unit.dir)

    both = {**honest, 'listeners': {**honest['listeners'], '%s:%d' % bad: {'pass': 'applications/hostile'}}}
    both['applications'] = {**honest['applications'], 'hostile': {
        'type': 'external', 'executable': str(program), 'arguments': [attack, *arguments],
        'limits': {'timeout': 2}}}
    unit.configure(both)
    unit.wait_log('hostile: attacks')
    # Requests of both kinds go on all the time.
    address = (unit.address[0], bad)
    threads = [threading.Thread(target=lambda: [quietly(address, 4) for _ in range(3)]) for _ in range(4 if attack in TAKES_REQUESTS else 0)]
    with unit.connect() as slow:
        slow.send(request(path='/?1'))
        for thread in threads:
            thread.start()
        for _ in range(30):
            began = time.monotonic()
            assert unit.get('/?0').status == 200
            assert time.monotonic() - began < 5
        a = slow.answer()
        assert (a.status, a.text) == (200, unit.get('/?0').text)
    for thread in threads:
        thread.join()
    unit.wait_log('hostile: has attacked', 120)
    assert unit.control('GET', '/status').status == 200
    wait_for(lambda: daemon_pids(unit) == before, what='the same processes of the daemon')

    # When it is gone, nothing of it is left.
    unit.configure(honest)
    try:
        wait_for(lambda: not unit.pids('"hostile"') and not unit.pids(str(program)), what='its processes to end')
    except TimeoutError:
        raise AssertionError(f'{unit.processes()}\n{unit.log()[start:]}') from None
    router = before['unit: router'][0]
    wait_for(lambda: descriptors(router) <= fds, what=f'descriptors back to {fds}, not {descriptors(router)}')
    wait_for(lambda: descriptors(unit.process.pid) <= main_fds, what='descriptors of main back')
    assert daemon_pids(unit) == before, unit.log()
    for _ in range(10):
        assert unit.get('/?0').status == 200
    log = unit.log()[start:]
    assert len(log.splitlines()) < 400, log[-5000:]
    return log


@pytest.mark.parametrize('attack', ATTACKS)
def test_attack(unit, hostile, python, attack):
    log = run_attack(unit, hostile, python, attack)
    if ATTACKS[attack] is not None:
        assert ATTACKS[attack] in log, log


def test_sealed_memory_cannot_be_taken_away(unit, hostile, python):
    log = run_attack(unit, hostile, python, 'truncate', 'sealable')
    assert 'hostile: cannot shrink its memory' in log


def test_unsealed_memory_may_be_taken_away(unit, hostile, python):
    log = run_attack(unit, hostile, python, 'truncate')
    assert 'hostile: has shrunk its memory' in log
    assert 'is corrupt' in log or 'was taken away' in log, log


def test_an_application_gets_only_ports_of_its_own(unit, hostile, python):
    """It asks for all ports of the router, and gets one for each thread."""
    log = run_attack(unit, hostile, python, 'hold')
    assert 'hostile: has 2 ports of the router' in log
