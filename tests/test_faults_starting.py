"""Processes killed before they are ready, and processes that are stopped for a while."""

import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from daemon import PATIENCE, Daemon, free_port, request, stop_process, title, wait_for, wait_for_end
from load import SLOW, Census, Load, attempt, outcome
from test_faults import SIGNALS, configuration, no_core_files, target, warm_up  # noqa: F401

RETURN = [{'action': {'return': 200}}]


def children(pid):
    with contextlib.suppress(OSError):
        return [int(p) for p in pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]
    return []


def catch(parent, text, signo, known=(), seconds=PATIENCE):
    """Kills the next child of that title as soon as it has it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for pid in children(parent):
            if pid not in known and text in title(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signo)
                    return pid
    raise TimeoutError(f'no {text}: {[(p, title(p)) for p in children(parent)]}')


@pytest.fixture
def stored():
    """Makes daemons that start with a configuration, which is not awaited."""
    made = []

    def make(configuration, *arguments):
        made.append(Daemon(arguments, configuration=configuration))
        return made[-1]

    yield make
    for daemon in made:
        log = daemon.remove()
        assert 'panicked' not in log, log


def listening(port, **more):
    return {'listeners': {f'127.0.0.1:{port}': {'pass': 'routes'}}, 'routes': RETURN, **more}


@SIGNALS
def test_discovery(stored, tmp_path, signo):
    # A module that cannot be opened until somebody writes to it; discovery runs as anybody.
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    os.mkfifo(tmp_path / 'pipe.unit.so')
    unit = stored(listening(free_port()), '--modulesdir', tmp_path)
    # It is tried three times.
    killed = []
    for _ in range(3):
        assert 'no language modules' not in unit.log()
        killed.append(catch(unit.process.pid, 'unit: discovery', signo, killed))
    wait_for(lambda: unit.alive() and unit.controllable(), what='the control API')
    unit.wait_log('discovery failed, no language modules are available')
    assert unit.log().count('discovery failed, starting it again') == 2
    # What needs no module is served.
    unit.configure(listening(unit.port))
    assert unit.get().status == 200
    assert unit.stop() == 0


@SIGNALS
@pytest.mark.parametrize('who', ['router', 'controller'])
def test_before_it_is_ready(unit, target, who, signo):
    unit.configure(configuration(unit, target()))
    warm_up(unit)
    census = Census(unit)
    # Those that follow are killed while they start; from the fourth on they come after a pause.
    known = [unit.pid(f'unit: {who}')]
    os.kill(known[0], signo)
    for _ in range(2):
        known.append(catch(unit.process.pid, f'unit: {who}', signo, known))
    wait_for(lambda: unit.serves('/?x'), what='service')
    wait_for(lambda: unit.control('GET', '/config').json().get('applications'), what='the control API')
    unit.configure(configuration(unit, target()))
    census.wait()
    assert 'panicked' not in unit.log()


@SIGNALS
@pytest.mark.parametrize('who', ['prototype', 'application'])
def test_application_of_a_new_configuration(unit, target, who, signo):
    """Without its prototype it is started once more. If it dies itself, its configuration cannot be
    put in force: the answer says so at once, and nothing of it stays."""
    unit.configure(listening(unit.port))
    assert unit.get().status == 200
    census = Census(unit)
    answers = []
    # Whoever waits for the import of another process waits for longer than is allowed.
    new = configuration(unit, target(environment={'IMPORT': '2' if who == 'prototype' else '8'}))
    put = threading.Thread(target=lambda: answers.append(unit.control('PUT', '/config', new)))
    put.start()
    unit.pid('"target" application')
    start = time.monotonic()
    os.kill(unit.pid(f'"target" {who}'), signo)
    put.join(PATIENCE)
    if who == 'prototype':
        assert answers and answers[0].status == 200, unit.log()
        assert unit.get('/?x').body == b'x' * 20
        unit.configure(listening(unit.port))
    else:
        assert answers and answers[0].status == 500 and time.monotonic() - start < 5, unit.log()
    assert unit.get().status == 200
    assert unit.control('GET', '/config').json() == listening(unit.port)
    census.wait()
    unit.configure(configuration(unit, target()))
    assert unit.get('/?x').body == b'x' * 20


def active(unit, count):
    wait_for(lambda: unit.control('GET', '/status/applications/target/requests/active').json() == count,
             what=f'{count} active requests')


@SIGNALS
@pytest.mark.parametrize('who', ['prototype', 'application'])
def test_application_that_requests_wait_for(unit, target, who, signo):
    unit.configure(configuration(unit, target(environment={'IMPORT': '0.5'}, processes={'max': 1, 'spare': 0})))
    connections = [unit.connect() for _ in range(4)]
    for c in connections:
        c.send(request(path='/?x'))
    active(unit, 4)
    os.kill(unit.pid(f'"target" {who}'), signo)
    assert [outcome(c) for c in connections] == [503] * 4
    for c in connections:
        c.close()
    wait_for(lambda: unit.serves('/?x'), what='service')
    wait_for(lambda: len(unit.pids('"target"')) == 2, what='a prototype and an application')


@SIGNALS
def test_prototype_that_requests_wait_for(unit, target, signo):
    """Those that no process has taken are refused too; the next prototype comes without being asked
    for."""
    unit.configure(configuration(unit, target(processes={'max': 1, 'spare': 0})))
    warm_up(unit)
    census = Census(unit)
    connections = [unit.connect() for _ in range(4)]
    connections[0].send(request(path='/slow?30'))
    active(unit, 1)
    for c in connections[1:]:
        c.send(request(path='/?x'))
    active(unit, 4)
    prototype = unit.pid('"target" prototype')
    os.kill(prototype, signo)
    assert [outcome(c) for c in connections] == [503] * 4
    for c in connections:
        c.close()
    wait_for(lambda: unit.pids('"target" prototype') not in ([], [prototype]), what='the next prototype')
    assert unit.get('/?x').body == b'x' * 20
    census.wait()


def test_prototype_that_dies_again_and_again(unit, target):
    """The pause before the next one grows; requests wait for its end or are refused."""
    unit.configure(configuration(unit, target()))
    warm_up(unit)
    census = Census(unit)
    known = [unit.pid('"target" prototype')]

    def others():
        return [p for p in children(unit.process.pid) if '"target" prototype' in title(p) and p not in known]

    for _ in range(6):
        os.kill(known[-1], signal.SIGKILL)
        start = time.monotonic()
        known.append(wait_for(others, what='the next prototype')[0])
    assert time.monotonic() - start > 0.3
    assert unit.log().count('dies again and again') == 1
    os.kill(known[-1], signal.SIGKILL)
    answers = set()
    wait_for(lambda: answers.add(unit.get('/?x').status) or 200 in answers, what='service')
    assert answers <= {200, 503}
    unit.wait_log('the prototype of "target" is well again')
    census.wait()


@SIGNALS
@pytest.mark.parametrize('delay', [0, 0.02, 0.05, 0.1, 0.2])
def test_main_while_it_starts(stored, target, signo, delay):
    config = listening(free_port())
    unit = stored(config)
    time.sleep(delay)
    tree = unit.processes()
    start = time.monotonic()
    unit.process.send_signal(signo)
    with contextlib.suppress(subprocess.TimeoutExpired):
        unit.process.wait(1)
    if unit.process.poll() is None:
        # The runtime of Rust takes the first SIGSEGV for a fault that would come again, until the
        # daemon has told it not to.
        assert signo == signal.SIGSEGV
        unit.process.send_signal(signo)
    unit.process.wait(PATIENCE)
    assert not wait_for_end(tree) and time.monotonic() - start < 5
    unit.process = None
    unit.start()
    assert unit.control('GET', '/config').json() in (config, {'listeners': {}, 'applications': {}})
    unit.configure(configuration(unit, target()))
    assert unit.get('/?x').body == b'x' * 20
    assert unit.stop() == 0


@contextlib.contextmanager
def stopped(pid):
    stop_process(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def pair(unit, target):
    """Two applications of one kind; `/other…` goes to the second."""
    config = configuration(unit, target())
    config['applications']['other'] = target()
    config['routes'].insert(0, {'match': {'uri': '/other'}, 'action': {'pass': 'applications/other'}})
    unit.configure(config)
    warm_up(unit)
    assert unit.get('/other?x').body == b'x' * 20
    return Census(unit)


@pytest.mark.parametrize('who', ['"target" application', '"target" prototype', 'unit: controller', 'unit: main'])
def test_stopped(unit, pair, who):
    """A process that stands still holds up nothing but its own work."""
    with stopped(unit.pid(who)):
        with Load(unit, '/other') as load, unit.connect() as waiting:
            waiting.send(request(path='/?x'))
            for _ in range(3):
                assert unit.get('/return', timeout=5).status == 200
            load.more(100)
            if who == '"target" application':
                waiting.sock.settimeout(0.5)
                assert outcome(waiting) == SLOW
            else:
                assert outcome(waiting, b'x' * 20) == 200
        assert set(load.outcomes) == {200} and load.longest < 5, (load.outcomes, load.longest)
    with unit.connect() as c:
        assert attempt(c, '/?y', b'y' * 20) == 200
    assert unit.control('GET', '/status').status == 200
    pair.wait()
    assert '[alert]' not in unit.log()


def test_stopped_router(unit, pair):
    """What comes meanwhile is answered later."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(unit.connect()) for _ in range(10)]
        with stopped(unit.pid('unit: router')):
            for number, c in enumerate(connections):
                c.send(request(path=f'/?{number}.'))
            time.sleep(0.3)
        assert [outcome(c, f'{n}.'.encode() * 20) for n, c in enumerate(connections)] == [200] * 10
    pair.wait()
    assert '[alert]' not in unit.log()


def test_hung_application_is_replaced(unit, target):
    """One of two processes stands still: the other one serves, and the hung one's client gets 503."""
    application = target(processes=2)
    application['limits'] = {**application['limits'], 'timeout': 1}
    unit.configure(configuration(unit, application))
    with stopped(unit.pids('"target" application')[0]):
        with Load(unit) as load:
            time.sleep(1.5)
            load.more(50)
        assert set(load.outcomes) <= {200, 503} and load.outcomes[503] <= 8, load.outcomes
