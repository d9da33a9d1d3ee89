"""Processes that die, main as process 1, service managers, life without root."""

import contextlib
import getpass
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import time

import pytest

from daemon import BUILD, Daemon, exists, free_port, http, readable_by_all, stop_process, wait_for, wait_for_end

root = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')

RETURN = {'routes': [{'action': {'return': 200}}]}


def listening(port, **more):
    return {'listeners': {f'127.0.0.1:{port}': {'pass': 'routes'}}, **RETURN, **more}


@pytest.fixture
def daemon():
    """Makes daemons that go with the test."""
    made = []

    def make(*arguments, **more):
        made.append(Daemon(*arguments, **more))
        return made[-1]

    yield make
    for d in made:
        d.remove()


# Processes that die.


@pytest.mark.parametrize('signo', [signal.SIGKILL, signal.SIGSEGV])
@pytest.mark.parametrize('who', ['unit: router', 'unit: controller'])
def test_back_within_a_second(unit, who, signo):
    unit.configure(listening(unit.port))
    seconds = []
    for _ in range(8):
        old = unit.pid(who)
        os.kill(old, signo)
        start = time.monotonic()
        assert not wait_for_end([old])
        wait_for(lambda: unit.pids(who) and unit.serves() and unit.control('GET', '/config').status == 200)
        seconds.append(time.monotonic() - start)
        assert unit.control('GET', '/config').json()['listeners'] == listening(unit.port)['listeners']
    assert unit.log().count(f'{who[6:]} dies again and again') == 1
    # Not each: the machine may be busy.
    assert sorted(seconds)[4] < 1.5 and max(seconds) < 10, seconds
    unit.wait_log(f'{who[6:]} is well again')


def test_router_and_controller_die_together(unit):
    unit.configure(listening(unit.port))
    for pid in (unit.pid('unit: router'), unit.pid('unit: controller')):
        os.kill(pid, signal.SIGKILL)
    wait_for(unit.serves)
    wait_for(lambda: unit.control('GET', '/config').json()['routes'] == RETURN['routes'])


def test_configuration_that_cannot_be_applied_again(unit, python):
    """What was in force is tried again; the daemon does not stay up empty."""
    marker = unit.tmp / 'there'
    marker.touch()
    unit.serve({'app': python('needs_file', environment={'MARKER': str(marker)})})
    assert unit.get().status == 200
    marker.unlink()
    os.kill(unit.pid('unit: router'), signal.SIGKILL)
    unit.wait_log('failed to apply the configuration that was in force, trying again')
    assert 'app' in unit.control('GET', '/config').json()['applications']
    marker.touch()
    wait_for(unit.serves)
    unit.wait_log('the configuration is in force again')


def test_exit_when_it_is_hopeless(unit):
    """A router that never serves: the controller, which would give it a configuration, is stopped."""
    unit.configure(listening(unit.port))
    stop_process(unit.pid('unit: controller'))
    killed = 0
    end = time.monotonic() + 120
    while unit.process.poll() is None and time.monotonic() < end:
        for pid in unit.pids('unit: router'):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        time.sleep(0.005)
    assert unit.process.wait(30) == 1
    unit.process = None
    # The first one had served.
    log = unit.log()
    assert killed >= 10 and log.count('exited on signal 9') <= 14, log
    assert 'router died 10 times in a row before it could serve, giving up' in log
    assert log.count('dies again and again') == 1


def test_controller_without_hope_leaves_the_router(unit):
    unit.configure(listening(unit.port))
    for _ in range(12):
        pid = unit.pid('unit: controller')
        os.kill(pid, signal.SIGKILL)
        assert not wait_for_end([pid])
        assert unit.get().status == 200
    assert unit.alive()


def test_dead_prototype(unit, python):
    unit.serve({'sleep': python('sleep')})
    with unit.connect() as c:
        c.send(b'GET /30 HTTP/1.1\r\nHost: a\r\n\r\n')
        unit.wait_active('sleep')
        time.sleep(0.3)
        os.kill(unit.pid('"sleep" prototype'), signal.SIGKILL)
        start = time.monotonic()
        assert c.answer().status == 503
        assert time.monotonic() - start < 5
    wait_for(lambda: unit.serves('/0'))
    assert unit.pid('"sleep" prototype')


# Process 1.


@root
def test_process_1(daemon, python):
    unit = daemon(prefix=['unshare', '-p', '-f', '--mount-proc', '--kill-child'])
    main = unit.pid('unit: main')
    assert main != unit.process.pid
    assert re.search(r'^NSpid:\s+\d+\s+1$', pathlib.Path(f'/proc/{main}/status').read_text(), re.M)
    unit.serve({'orphan': python('orphan')})
    # An application leaves a grandchild behind, which ends after main has inherited it.
    for _ in range(3):
        assert unit.get().status == 200
    wait_for(lambda: len(unit.pids('sleep 3')) == 3, what='orphans')
    wait_for(lambda: not unit.pids('sleep 3'), what='the end of the orphans')
    # No zombie stays.
    children = pathlib.Path(f'/proc/{main}/task/{main}/children')
    wait_for(lambda: all(exists(pid) for pid in children.read_text().split()), what='main to wait for its children')
    assert 'exited' not in unit.log().split('"orphan" application started')[1]
    with unit.connect() as c:
        c.send(b'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
        time.sleep(0.3)
        os.kill(main, signal.SIGQUIT)
        assert c.answer().status == 200
    assert unit.process.wait(30) == 0
    unit.process = None


@root
def test_process_1_ends_on_term(daemon):
    unit = daemon(prefix=['unshare', '-p', '-f', '--mount-proc', '--kill-child'])
    os.kill(unit.pid('unit: main'), signal.SIGTERM)
    assert unit.process.wait(30) == 0
    unit.process = None


# Service managers.


class Manager:
    """The socket of a service manager."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace('@', '\0', 1) if address.startswith('@') else address)
        self.socket.settimeout(30)

    def state(self):
        return dict(line.split('=', 1) for line in self.socket.recv(1000).decode().split('\n'))

    def silent(self, seconds=0.3):
        self.socket.settimeout(seconds)
        try:
            return not self.socket.recv(1000)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(30)


@pytest.mark.parametrize('abstract', [False, True])
def test_notify(daemon, python, tmp_path, abstract):
    address = f'@nxt-test-{os.getpid()}' if abstract else str(tmp_path / 'notify')
    manager = Manager(address)
    unit = daemon(environment={'NOTIFY_SOCKET': address})
    assert manager.state() == {'READY': '1', 'MAINPID': str(unit.process.pid)}
    unit.serve({'ids': python('ids')}, settings={'shutdown_timeout': 7})
    assert 'NOTIFY_SOCKET' not in unit.get('/env').json()
    os.kill(unit.pid('unit: router'), signal.SIGKILL)
    wait_for(lambda: unit.serves('/env'))
    assert manager.silent(), 'it is ready once'
    assert unit.stop(signal.SIGQUIT) == 0
    assert manager.state() == {'STOPPING': '1', 'EXTEND_TIMEOUT_USEC': '25000000'}


def test_notify_when_listeners_serve(daemon, tmp_path):
    """READY comes when a stored configuration is in force, not before."""
    manager = Manager(str(tmp_path / 'notify'))
    port = free_port()
    unit = daemon(environment={'NOTIFY_SOCKET': str(tmp_path / 'notify')}, configuration=listening(port))
    assert manager.state()['READY'] == '1'
    assert http((socket.AF_INET, ('127.0.0.1', port))).status == 200
    assert unit.stop() == 0
    assert manager.state()['STOPPING'] == '1'


def test_notify_of_a_daemon_in_the_background(tmp_path):
    manager = Manager(str(tmp_path / 'notify'))
    tmp_path.chmod(0o777)
    state = tmp_path / 'state'
    state.mkdir()
    subprocess.run(
        [BUILD / 'sbin/unitd', '--control', f'unix:{tmp_path}/control', '--pid', tmp_path / 'pid', '--log',
         tmp_path / 'log', '--statedir', state, '--modulesdir', state, '--tmpdir', tmp_path, '--user', getpass.getuser()],
        env={**os.environ, 'NOTIFY_SOCKET': str(tmp_path / 'notify')}, check=True, stderr=subprocess.DEVNULL)
    pid = int(manager.state()['MAINPID'])
    assert pid == int((tmp_path / 'pid').read_text())
    os.kill(pid, signal.SIGTERM)
    assert not wait_for_end([pid])


@pytest.mark.parametrize('address', ['/no/such/socket', 'vsock:2:3', ''])
def test_notify_socket_that_does_not_work(daemon, address):
    unit = daemon(environment={'NOTIFY_SOCKET': address})
    unit.configure(listening(unit.port))
    assert unit.get().status == 200
    assert unit.stop() == 0


# Without root.


@root
def test_without_root(daemon, python):
    if not readable_by_all(BUILD / 'sbin'):
        pytest.skip('others cannot reach the build')
    nobody = pwd.getpwnam('nobody')
    unit = daemon(
        prefix=['setpriv', f'--reuid={nobody.pw_uid}', f'--regid={nobody.pw_gid}', '--clear-groups'], owner='nobody')
    errors = (unit.dir / 'stderr').read_text()
    assert errors.count('[warn]') == 1 and 'unprivileged' in errors
    for pid in [unit.process.pid, unit.pid('unit: router'), unit.pid('unit: controller')]:
        assert f'Uid:\t{nobody.pw_uid}\t' in pathlib.Path(f'/proc/{pid}/status').read_text()
    unit.serve({'pid': python('pid')})
    assert unit.get().status == 200
    # What it cannot do is said, and refused.
    a = unit.control('PUT', '/config/applications/pid/user', 'daemon')
    assert a.status == 500
    unit.wait_log('cannot set user "daemon" for app "pid": missing capabilities')
    if int(pathlib.Path('/proc/sys/net/ipv4/ip_unprivileged_port_start').read_text()) > 81:
        a = unit.control('PUT', '/config/listeners', {'127.0.0.1:81': {'pass': 'applications/pid'}})
        assert a.status == 500
        unit.wait_log('(13: Permission denied)')
    assert unit.get().status == 200
    os.kill(unit.pid('unit: router'), signal.SIGKILL)
    wait_for(unit.serves)
    with unit.connect() as c:
        c.send(b'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
        time.sleep(0.3)
        unit.process.send_signal(signal.SIGQUIT)
        assert c.answer().status == 200
    assert unit.process.wait(30) == 0
    unit.process = None
