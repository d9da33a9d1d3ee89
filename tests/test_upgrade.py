"""SIGUSR2: a new binary takes over while requests run. SIGWINCH and SIGHUP."""

import json
import os
import pathlib
import shutil
import signal
import socket
import threading
import time

import pytest

from daemon import BUILD, PATIENCE, Connection, Daemon, descriptors, exists, http, request, title, wait_for, wait_for_end


class Adopted:
    """A main process that this one did not start, with the part of Popen's interface in use."""

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        return None if exists(self.pid) else 0

    def send_signal(self, signo):
        os.kill(self.pid, signo)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout=PATIENCE):
        wait_for(lambda: not exists(self.pid), timeout, 'end of the main process')
        return 0


def main_processes(unit):
    return [pid for pid, name in unit.processes().items() if name.startswith('unit: main')]


def new_main(unit):
    """The main process that is a child of the daemon's."""
    return wait_for(lambda: [p for p in main_processes(unit) if p != unit.process.pid], what='a new main')[0]


def begin_upgrade(unit):
    """Starts a new binary and waits until it serves; its process id."""
    logged = unit.log().count('serves; end this one')
    unit.process.send_signal(signal.SIGUSR2)
    wait_for(lambda: unit.log().count('serves; end this one') > logged, 60, 'the new main process')
    return new_main(unit)


def finish_upgrade(unit, new, signo=signal.SIGQUIT):
    """Ends the old main process."""
    old = unit.process
    mine = [p for p in unit.processes() if p not in descendants(unit, new)]
    old.send_signal(signo)
    old.wait(60)
    assert not wait_for_end(mine)
    unit.process = Adopted(new)


def descendants(unit, pid):
    old, unit.process = unit.process, Adopted(pid)
    try:
        return unit.processes()
    finally:
        unit.process = old


def pid_in(path):
    """The number in a pid file, if it is there."""
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def old_pid_file(unit):
    return unit.pid_file.with_name(unit.pid_file.name + '.oldbin')


class Load:
    """Clients that never stop asking; every failure counts."""

    def __init__(self):
        self.failures, self.done, self.closed_idle = [], 0, 0
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.threads = []

    def start(self, target, *arguments):
        t = threading.Thread(target=self._run, args=(target, *arguments))
        t.start()
        self.threads.append(t)

    def _run(self, target, *arguments):
        while not self.stopped.is_set():
            try:
                target(*arguments)
            except Exception as e:
                self.failures.append(f'{target.__name__}{arguments}: {e!r}')
                time.sleep(0.05)

    def count(self, answer, body):
        with self.lock:
            self.done += 1
        if answer.status != 200 or body is not None and answer.body != body:
            self.failures.append(f'{answer.status} {answer.body[:100]!r}')

    def each_alone(self, address, path, body):
        """One request on a connection of its own."""
        self.count(http(address, path=path), body)

    def keep_alive(self, address, path, body, pause):
        """Requests on one connection, until the server says that it closes it."""
        with Connection(address) as c:
            first = True
            while not self.stopped.is_set():
                c.send(request(path=path, close=False))
                try:
                    a = c.answer()
                except (EOFError, ConnectionError):
                    if first or c.buffer:
                        raise
                    # Closed between two requests: HTTP has the client ask again.
                    self.closed_idle += 1
                    return
                first = False
                self.count(a, body)
                if a.header('Connection') == 'close':
                    return
                time.sleep(pause)

    def upload(self, address, path, parts):
        """A body that takes longer than an upgrade."""
        body = b'0123456789abcdef' * 4096
        with Connection(address) as c:
            length = len(body) * parts
            c.send(request('POST', path, [('Content-Length', str(length))], close=False))
            for _ in range(parts):
                c.send(body)
                time.sleep(0.1)
            self.count(c.answer(), body * parts)

    def stop(self):
        self.stopped.set()
        for t in self.threads:
            t.join()


def serve_everything(unit, python):
    unit.serve(
        {'sleep': python('sleep', processes=2), 'echo': python('echo', processes=2)},
        listeners={f'127.0.0.1:{unit.port}': {'pass': 'routes'}},
        routes=[
            {'match': {'uri': '/static'}, 'action': {'return': 200}},
            {'match': {'uri': '/upload'}, 'action': {'pass': 'applications/echo'}},
            {'action': {'pass': 'applications/sleep'}},
        ],
    )


def test_three_upgrades_under_load(unit, python):
    serve_everything(unit, python)
    load = Load()
    for pause in (0, 0.01, 0.3):
        load.start(load.keep_alive, unit.address, '/static', b'', pause)
        load.start(load.keep_alive, unit.address, '/0.05', None, pause)
    for path in ('/static', '/0.05'):
        load.start(load.each_alone, unit.address, path, None)
    load.start(load.upload, unit.address, '/upload', 30)
    try:
        for _ in range(3):
            time.sleep(0.5)
            new = begin_upgrade(unit)
            assert pid_in(unit.pid_file) == new and pid_in(old_pid_file(unit)) == unit.process.pid
            time.sleep(0.5)
            finish_upgrade(unit, new)
            assert not old_pid_file(unit).exists() and pid_in(unit.pid_file) == new
        time.sleep(0.5)
    finally:
        load.stop()
    assert not load.failures, load.failures[:20]
    assert load.closed_idle == 0
    assert load.done > 300
    assert '[alert]' not in unit.log()
    assert unit.stop(signal.SIGQUIT) == 0
    assert not unit.pid_file.exists() and not unit.socket.exists()


def test_control_api(unit):
    unit.serve(routes=[{'action': {'return': 200}}])
    old = unit.process.pid
    new = begin_upgrade(unit)
    # The new one has the control API and the state.
    wait_for(lambda: unit.pids('unit: controller') == [p for p, t in descendants(unit, new).items() if 'controller' in t],
             what='only the new controller')
    unit.configure([{'action': {'return': 201}}], '/config/routes')
    assert json.loads((unit.state / 'conf.json').read_text())['routes'] == [{'action': {'return': 201}}]

    # Nobody starts an upgrade within one.
    for pid in (old, new):
        count = unit.log().count('request to change the binary is ignored')
        os.kill(pid, signal.SIGUSR2)
        wait_for(lambda: unit.log().count('request to change the binary is ignored') > count, what='refusal')
    wait_for(lambda: len(main_processes(unit)) == 2, what='no third main process')

    # The old one takes everything back.
    os.kill(new, signal.SIGTERM)
    wait_for(lambda: not exists(new), what='end of the new one')
    wait_for(lambda: pid_in(unit.pid_file) == old and not old_pid_file(unit).exists(), what='pid file')
    unit.configure([{'action': {'return': 202}}], '/config/routes')
    assert unit.get().status == 202
    new = begin_upgrade(unit)
    finish_upgrade(unit, new)
    assert unit.get().status == 202
    assert unit.control('GET', '/config/routes/0/action/return').json() == 202


def test_requests_to_the_control_api_wait(unit, python):
    """No client of the control socket is refused or left alone, whoever answers."""
    unit.serve({'hello': python('hello')})
    failures, stopped = [], threading.Event()

    def ask():
        count = 0
        while not stopped.is_set():
            count += 1
            try:
                assert unit.control('GET', '/status').status == 200
                unit.configure({f'n{count}': 'x'}, '/config/applications/hello/environment')
            except Exception as e:
                failures.append(repr(e))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        for _ in range(2):
            finish_upgrade(unit, begin_upgrade(unit))
    finally:
        stopped.set()
        for t in threads:
            t.join()
    assert not failures, failures[:5]


def test_unix_listeners(unit):
    path = unit.dir / 'listener.sock'
    abstract = f'@nxt-upgrade-{os.getpid()}'
    addresses = [(socket.AF_UNIX, str(path)), (socket.AF_UNIX, '\0' + abstract[1:])]
    unit.serve(listeners={f'unix:{path}': {'pass': 'routes'}, f'unix:{abstract}': {'pass': 'routes'}},
               routes=[{'action': {'return': 200}}])
    inode = path.stat().st_ino
    for _ in range(2):
        finish_upgrade(unit, begin_upgrade(unit))
        assert path.stat().st_ino == inode
        assert [http(a).status for a in addresses] == [200, 200]
    # The new one ends first: the files are still needed.
    new = begin_upgrade(unit)
    os.kill(new, signal.SIGQUIT)
    wait_for(lambda: not exists(new), what='end of the new one')
    assert [http(a).status for a in addresses] == [200, 200]
    wait_for(lambda: unit.control('GET', '/config').status == 200, what='control API')
    unit.stop()
    assert not path.exists() and not unit.socket.exists()


@pytest.fixture
def copied():
    """A daemon from a binary of its own, which may be replaced."""
    folder = pathlib.Path(os.path.realpath(shutil.os.environ.get('TMPDIR', '/tmp'))) / f'nxt-binary-{os.getpid()}'
    folder.mkdir(mode=0o755)
    binary = folder / 'unitd'
    shutil.copy(BUILD / 'sbin/unitd', binary)
    daemon = Daemon(binary=binary)
    try:
        yield daemon, binary
    finally:
        daemon.remove()
        shutil.rmtree(folder)


def replace(binary, content=None):
    binary.unlink()
    if content is not None:
        binary.write_bytes(content)
        binary.chmod(0o755)


@pytest.mark.parametrize('content', [None, b'no program', b'#!/bin/sh\nexit 3\n', b'#!/bin/sh\nkill -9 $$\n'])
def test_failed_binary(copied, content):
    unit, binary = copied
    unit.serve(routes=[{'action': {'return': 200}}])
    good = binary.read_bytes()
    old = unit.process.pid
    for count in (1, 2):
        replace(binary, content)
        unit.process.send_signal(signal.SIGUSR2)
        wait_for(lambda: unit.log().count('the upgrade has failed') == count, what='failure')
        wait_for(lambda: pid_in(unit.pid_file) == old and not old_pid_file(unit).exists(), what='pid file')
        assert unit.get().status == 200
        unit.configure([{'action': {'return': 200}}], '/config/routes')
        binary.write_bytes(b'')
    replace(binary, good)
    new = begin_upgrade(unit)
    # What stands on the disk now is what runs.
    assert os.stat(f'/proc/{new}/exe').st_ino == binary.stat().st_ino
    finish_upgrade(unit, new)
    assert unit.get().status == 200


def test_binary_behind_a_link(copied):
    """The path as called counts: a link that points to another file by then leads there."""
    unit, binary = copied
    unit.stop()
    link = binary.with_name('link')
    link.symlink_to(binary.name)
    unit.binary = link
    unit.start()
    other = binary.with_name('other')
    shutil.copy(binary, other)
    link.unlink()
    link.symlink_to('other')
    new = begin_upgrade(unit)
    assert os.readlink(f'/proc/{new}/exe') == str(other)
    finish_upgrade(unit, new)


@pytest.mark.parametrize('when', ['starting', 'serving'])
def test_new_process_is_killed(unit, python, when):
    unit.serve({'hello': python('hello')})
    old = unit.process.pid
    if when == 'serving':
        new = begin_upgrade(unit)
    else:
        unit.process.send_signal(signal.SIGUSR2)
        new = new_main(unit)
    tree = descendants(unit, new)
    os.kill(new, signal.SIGKILL)
    assert not wait_for_end(tree)
    wait_for(lambda: pid_in(unit.pid_file) == old, what='pid file')
    assert unit.get().status == 200
    unit.configure(2, '/config/applications/hello/processes')
    assert unit.get().status == 200
    finish_upgrade(unit, begin_upgrade(unit))
    assert unit.get().status == 200


def test_old_process_is_killed(unit):
    unit.serve(routes=[{'action': {'return': 200}}])
    new = begin_upgrade(unit)
    finish_upgrade(unit, new, signal.SIGKILL)
    unit.wait_log('the upgrade is complete')
    assert unit.get().status == 200
    unit.configure([{'action': {'return': 201}}], '/config/routes')
    assert unit.get().status == 201
    finish_upgrade(unit, begin_upgrade(unit))


def test_configuration_that_the_new_binary_cannot_serve(unit):
    """The new process leaves rather than serve something else."""
    unit.serve(routes=[{'action': {'return': 200}}])
    stored = unit.state / 'conf.json'
    good = stored.read_bytes()
    stored.write_bytes(b'{"listeners": 1}')
    unit.process.send_signal(signal.SIGUSR2)
    unit.wait_log('the old main process goes on')
    wait_for(lambda: len(main_processes(unit)) == 1, what='end of the new one')
    assert unit.get().status == 200
    stored.write_bytes(good)


def test_winch_and_hup_within_an_upgrade(unit, python):
    unit.serve({'sleep': python('sleep')})
    old = unit.process.pid
    new = begin_upgrade(unit)
    with unit.connect() as c:
        theirs = descendants(unit, new)
        c.send(request(path='/1'))
        os.kill(old, signal.SIGWINCH)
        assert c.answer().status == 200
    ours = lambda text: [p for p in unit.pids(text) if p not in descendants(unit, new)]
    wait_for(lambda: not ours('unit: router') and not ours('application'), what='the old workers to leave')
    assert exists(old) and theirs
    assert unit.get('/0').status == 200

    os.kill(old, signal.SIGHUP)
    wait_for(lambda: ours('unit: router') and ours('application'), what='the old workers to return')
    os.kill(new, signal.SIGQUIT)
    wait_for(lambda: not exists(new), what='end of the new one')
    assert unit.get('/0').status == 200
    unit.configure(2, '/config/applications/sleep/processes')

    # Without HUP it comes back by itself when the new one goes.
    new = begin_upgrade(unit)
    os.kill(old, signal.SIGWINCH)
    wait_for(lambda: not ours('unit: router'), what='the old router to leave')
    os.kill(new, signal.SIGTERM)
    wait_for(lambda: ours('unit: router'), what='the old router to return')
    assert unit.get('/0').status == 200


def test_winch_and_hup_alone(unit):
    unit.serve(routes=[{'action': {'return': 200}}])
    unit.process.send_signal(signal.SIGWINCH)
    wait_for(lambda: not unit.pids('unit: router'), what='the router to leave')
    with unit.connect() as c:
        # The connection waits for the next router.
        c.send(request())
        unit.process.send_signal(signal.SIGHUP)
        assert c.answer().status == 200
    unit.configure([{'action': {'return': 201}}], '/config/routes')
    assert unit.get().status == 201


def test_hup_loads_the_stored_configuration(unit):
    unit.serve(routes=[{'action': {'return': 200}}])
    stored = unit.state / 'conf.json'
    text = stored.read_text()
    stored.write_text(text.replace('200', '203'))
    unit.process.send_signal(signal.SIGHUP)
    unit.wait_log('the stored configuration is in force')
    assert unit.get().status == 203
    assert unit.control('GET', '/config/routes/0/action/return').json() == 203
    stored.write_text('{"listeners": {}, "applications": []}')
    unit.process.send_signal(signal.SIGHUP)
    unit.wait_log('the stored configuration is not put in force')
    assert unit.get().status == 203


def test_titles_and_descriptors(unit):
    """Nothing piles up from upgrade to upgrade."""
    unit.serve(routes=[{'action': {'return': 200}}])

    def count():
        return {name: descriptors(pid) for pid, name in unit.processes().items()}

    first = None
    for number in range(1, 4):
        finish_upgrade(unit, begin_upgrade(unit))
        assert title(unit.process.pid).startswith('unit: main v1.35.0 [')
        wait_for(lambda: unit.log().count('upgrade is complete') == number, what='end of the upgrade')
        if first is None:
            time.sleep(0.3)
            first = count()
        wait_for(lambda: count() == first, what=f'{first}')
        for pid in unit.processes():
            assert b'NXT_UPGRADE' not in pathlib.Path(f'/proc/{pid}/environ').read_bytes() or pid == unit.process.pid
