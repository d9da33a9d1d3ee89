"""Each process killed in each state, under load.

What was accepted is answered, or refused with 5xx; only connections of a router that was killed
end without. The service is back within a second, and processes and descriptors are as many as
before."""

import contextlib
import os
import re
import resource
import signal
import socket
import threading
import time

import pytest
import websocket

from daemon import PATIENCE, http, request, stop_process, wait_for, wait_for_end
from load import CUT, LOST, REFUSED, Census, Load, attempt, outcome

SIGNALS = pytest.mark.parametrize('signo', [signal.SIGKILL, signal.SIGSEGV], ids=['KILL', 'SEGV'])
# What is killed, and the kind of the application then.
VICTIMS = {
    'router': ('unit: router', 'wsgi'),
    'controller': ('unit: controller', 'wsgi'),
    'prototype': ('"target" prototype', 'wsgi'),
    'wsgi': ('"target" application', 'wsgi'),
    'asgi': ('"target" application', 'asgi'),
}
WHO = pytest.mark.parametrize('who', VICTIMS)
MEBIBYTE = bytes(range(256)) * 4096


@pytest.fixture(autouse=True, scope='module')
def no_core_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.fixture
def target(python):
    """Makes the configuration of the application that is killed."""

    def make(kind='wsgi', **options):
        return python('fault_target', callable=kind, protocol=kind, limits={'shm': 10 << 20}, **options)

    return make


def configuration(unit, application, **more):
    """Everything at one listener; the static file is 16 MiB long."""
    file = unit.dir / 'file'
    if not file.exists():
        file.write_bytes(MEBIBYTE * 16)
        file.chmod(0o644)
    return {
        'listeners': {f'127.0.0.1:{unit.port}': {'pass': 'routes'}},
        'routes': [
            {'match': {'uri': '/file'}, 'action': {'share': str(file)}},
            {'match': {'uri': '/return'}, 'action': {'return': 200}},
            {'action': {'pass': 'applications/target'} if application else {'return': 404}},
        ],
        'applications': {'target': application} if application else {},
        **more,
    }


class Killer:
    """Kills processes and knows what may be in the log because of it."""

    def __init__(self, unit, who, signo):
        self.unit, self.who, self.signo = unit, who, signo
        self.title, self.kind = VICTIMS[who]
        self.killed = []

    def kill(self):
        """Kills one; the moment of it."""
        pid = self.unit.pid(self.title)
        os.kill(pid, self.signo)
        self.killed.append(pid)
        return time.monotonic()

    def back(self, start, path='/?x'):
        """Waits until the service is back and the dead process has been replaced; how long the
        service took."""
        assert not wait_for_end(self.killed[-1:])
        wait_for(lambda: self.unit.serves(path), what=f'service after the death of {self.who}')
        seconds = time.monotonic() - start
        wait_for(lambda: self.unit.control('GET', '/status').status == 200, what='the control API')
        return seconds

    @property
    def allowed(self):
        """What may become of a request at the time of the kill."""
        if self.who == 'controller':
            return {200}
        if self.who == 'router':
            return {200, 502, 503, LOST, CUT}
        return {200, 502, 503}

    def check_log(self, refused=False):
        """The log names the killed processes in alerts, and nobody else; but it says if a
        configuration was refused."""
        for pid in self.killed:
            self.unit.wait_log(f' {pid} exited on signal')
        log = self.unit.log()
        alerts = [line for line in log.splitlines() if '[alert]' in line or '[emerg]' in line]
        other = [line for line in alerts if not any(f' {pid} exited on signal' in line for pid in self.killed)
                 and not (refused and 'failed to apply new conf' in line)]
        assert not other, (other, log)
        assert not re.search(r'panicked|assertion', log), log
        missing = [pid for pid in self.killed if not any(f' {pid} exited on signal' in line for line in alerts)]
        assert not missing, (missing, log)


@pytest.fixture
def scene(unit, target):
    """Serves the application, in use once, and makes the killer."""

    def make(who, signo, **options):
        killer = Killer(unit, who, signo)
        unit.configure(configuration(unit, target(killer.kind, **options)))
        warm_up(unit)
        return killer, Census(unit)

    return make


def warm_up(unit):
    """Uses everything once, so that whatever is opened once is open."""
    with unit.connect() as c:
        assert attempt(c, '/?one', b'one' * 20) == 200
        assert attempt(c, '/large?16', MEBIBYTE * 16) == 200
        assert attempt(c, '/file', MEBIBYTE * 16) == 200
        assert attempt(c, '/upload', method='POST', body=MEBIBYTE * 2) == 200
    unit.control('GET', '/status')


@WHO
@SIGNALS
def test_idle(unit, scene, who, signo):
    killer, census = scene(who, signo)
    with unit.connect() as kept:
        assert attempt(kept, '/?one', b'one' * 20) == 200
        killer.back(killer.kill())
        # A connection that waits for its next request concerns nobody but the router.
        assert attempt(kept, '/?two', b'two' * 20) == (LOST if who == 'router' else 200)
    census.wait()
    killer.check_log()


@WHO
@SIGNALS
def test_under_load(unit, scene, who, signo, record_property):
    killer, census = scene(who, signo)
    seconds = []
    with Load(unit) as load:
        for _ in range(3):
            seconds.append(killer.back(killer.kill()))
            load.more()
    record_property('seconds', seconds)
    assert set(load.outcomes) <= killer.allowed, load.outcomes
    # Each kill concerns what was in work or waited then, and what came before the next start.
    failed = sum(n for result, n in load.outcomes.items() if result != 200)
    assert failed <= (120 if who == 'prototype' else 30), load.outcomes
    assert min(seconds) < 2, seconds
    census.wait()
    killer.check_log()


@WHO
@SIGNALS
def test_receiving_a_body(unit, scene, who, signo):
    killer, census = scene(who, signo)
    body = MEBIBYTE * 4
    text = request('POST', '/upload', body=body)
    with unit.connect() as large, unit.connect() as small:
        large.send(text[:len(text) // 2])
        small.send(request('POST', '/upload', body=b'0123456789')[:-5])
        time.sleep(0.1)
        start = killer.kill()
        time.sleep(0.05)
        for connection, rest in ((large, text[len(text) // 2:]), (small, b'56789')):
            with contextlib.suppress(ConnectionError):
                connection.send(rest)
            result = outcome(connection)
            # The application gets a request when its body is there, so the next process serves it, or
            # it is refused because it waited when the prototype died.
            assert result == LOST if who == 'router' else result in killer.allowed, result
    killer.back(start)
    census.wait()
    killer.check_log()


@WHO
@SIGNALS
@pytest.mark.parametrize('path, version', [('/large', 'HTTP/1.1'), ('/stream', 'HTTP/1.1'), ('/stream', 'HTTP/1.0')],
                         ids=['length', 'chunked', 'until-close'])
def test_sending_a_response(unit, scene, who, signo, path, version):
    killer, census = scene(who, signo)
    with unit.connect() as c, unit.connect() as static:
        c.send(request(path=f'{path}?24', version=version, close=False))
        static.send(request(path='/file', close=False))
        for connection in (c, static):
            while len(connection.buffer) < 100_000:
                assert connection._more()
        start = killer.kill()
        time.sleep(0.05)
        result = outcome(c, MEBIBYTE * 24)
        # The application is far from the end, because the client does not read.
        assert result == (200 if who == 'controller' else CUT), result
        assert outcome(static, MEBIBYTE * 16) == (CUT if who == 'router' else 200)
    killer.back(start)
    census.wait()
    killer.check_log()


@WHO
@SIGNALS
def test_with_a_websocket(unit, scene, who, signo):
    if who == 'wsgi':
        pytest.skip('WSGI has no WebSocket')
    killer, census = scene(who, signo)
    unit.configure(configuration(unit, {**unit.control('GET', '/config/applications/target').json(),
                                        'callable': 'asgi', 'protocol': 'asgi'}))
    address = f'ws://127.0.0.1:{unit.port}/'
    ws = websocket.create_connection(address, timeout=PATIENCE)
    ws.send('one')
    assert ws.recv() == 'one'
    start = killer.kill()
    if who == 'controller':
        time.sleep(0.1)
        ws.send('two')
        assert ws.recv() == 'two'
        ws.close()
    else:
        with contextlib.suppress(ConnectionError, websocket.WebSocketConnectionClosedException):
            assert ws.recv() == ''
        assert time.monotonic() - start < 5
        ws.shutdown()
    killer.back(start)
    ws = websocket.create_connection(address, timeout=PATIENCE)
    ws.send('three')
    assert ws.recv() == 'three'
    ws.close()
    census.wait()
    killer.check_log()


class Reconfigurer(threading.Thread):
    """Puts one configuration after the other; each replaces all processes of the application and
    adds or removes a listener."""

    def __init__(self, unit, first, second):
        super().__init__()
        self.unit, self.pair = unit, (first, second)
        self.accepted, self.last, self.statuses = first, first, []
        self.done = threading.Event()

    def run(self):
        number = 0
        while not self.done.is_set():
            number += 1
            self.last = self.pair[number % 2]
            try:
                answer = self.unit.control('PUT', '/config', self.last)
            except (OSError, EOFError):
                self.statuses.append(LOST)
                return
            self.statuses.append(answer.status)
            if answer.status != 200:
                return
            self.accepted = self.last


@WHO
@SIGNALS
@pytest.mark.parametrize('delay', [0.02, 0.13])
def test_during_a_reconfiguration(unit, scene, target, who, signo, delay):
    killer, census = scene(who, signo)
    first = configuration(unit, target(killer.kind))
    second = configuration(unit, target(killer.kind, environment={'VARIANT': 'second'}))
    second['listeners'][f'unix:{unit.tmp}/second.sock'] = {'pass': 'routes'}
    with Load(unit, clients=2) as load:
        changes = Reconfigurer(unit, first, second)
        changes.start()
        wait_for(lambda: len(changes.statuses) >= 2, what='reconfigurations')
        time.sleep(delay)
        start = killer.kill()
        changes.done.wait(0.2)
        changes.done.set()
        changes.join(60)
        killer.back(start)
    assert not changes.is_alive()
    assert set(load.outcomes) <= killer.allowed, load.outcomes
    assert set(changes.statuses) <= {200, 500} | ({LOST} if who == 'controller' else set()), changes.statuses
    # The last one that was accepted is in force, or the one on its way then, as a whole.
    now = unit.control('GET', '/config').json()
    assert now in ([changes.accepted, changes.last] if LOST in changes.statuses else [changes.accepted])
    variant = 'second' if now == second else 'none'
    wait_for(lambda: unit.get('/').header('X-Variant') == variant, what=f'the application of {variant}')
    assert os.path.exists(unit.tmp / 'second.sock') == (now == second)
    unit.configure(first)
    assert unit.get('/').header('X-Variant') == 'none'
    census.wait()
    killer.check_log(refused=500 in changes.statuses)


@WHO
@SIGNALS
def test_leaving_gracefully(unit, target, who, signo):
    """The application is not configured any more, and finishes its last request."""
    killer = Killer(unit, who, signo)
    without = configuration(unit, None)
    unit.configure(without)
    assert unit.get('/return').status == 200
    census = Census(unit)
    unit.configure(configuration(unit, target(killer.kind)))
    warm_up(unit)
    with unit.connect() as c:
        c.send(request(path='/slow?0.6'))
        unit.wait_active('target')
        time.sleep(0.1)
        unit.configure(without)
        start = killer.kill()
        result = outcome(c, b'0.6' * 20)
        assert result == {'router': LOST, 'controller': 200}.get(who, 503), result
    killer.back(start, '/return')
    census.wait()
    killer.check_log()


def test_accept_queue_survives_the_router(unit, scene):
    """Connections that the router has not taken are the next one's, with what they sent."""
    killer, census = scene('router', signal.SIGKILL)
    router = unit.pid('unit: router')
    stop_process(router)
    connections = [unit.connect() for _ in range(40)]
    for number, c in enumerate(connections):
        c.send(request(path=f'/?{number}.'))
    killer.kill()
    results = [outcome(c, f'{number}.'.encode() * 20) for number, c in enumerate(connections)]
    assert results == [200] * 40
    for c in connections:
        c.close()
    census.wait()
    killer.check_log()


@SIGNALS
@pytest.mark.parametrize('state', ['idle', 'load', 'response', 'reconfiguration'])
def test_main(unit, target, signo, state):
    """Without main all others leave; the next start finds everything as it was."""
    path = unit.tmp / 'listen.sock'
    config = configuration(unit, target())
    config['listeners'][f'unix:{path}'] = {'pass': 'routes'}
    unit.configure(config)
    warm_up(unit)
    census = Census(unit)
    with contextlib.ExitStack() as stack:
        load = changes = None
        if state == 'load':
            load = stack.enter_context(Load(unit))
        elif state == 'response':
            c = stack.enter_context(unit.connect())
            c.send(request(path='/stream?24', version='HTTP/1.0'))
            while len(c.buffer) < 100_000:
                assert c._more()
        elif state == 'reconfiguration':
            changes = Reconfigurer(unit, config, {**config, 'settings': {'http': {'max_body_size': 1 << 22}}})
            changes.start()
            wait_for(lambda: len(changes.statuses) >= 2)
        tree = unit.processes()
        start = time.monotonic()
        os.kill(unit.process.pid, signo)
        unit.process.wait(30)
        assert not wait_for_end(tree) and time.monotonic() - start < 5
        if state == 'response':
            assert outcome(c, MEBIBYTE * 24) == CUT
        assert path.exists() and unit.socket.exists() and unit.pid_file.exists()
        unit.process = None
        unit.start()
        if load:
            load.more()
    if load:
        assert set(load.outcomes) <= {200, 503, LOST, CUT, REFUSED}, load.outcomes
    if changes:
        changes.join(60)
        assert unit.control('GET', '/config').json() in (changes.accepted, changes.last)
    wait_for(lambda: http((socket.AF_UNIX, str(path)), path='/?a').body == b'a' * 20, what='the unix listener')
    assert unit.get('/?b').body == b'b' * 20
    assert int(unit.pid_file.read_text()) == unit.process.pid
    unit.configure(config)
    census.wait()
    assert 'panicked' not in unit.log()
