"""Listening sockets: who makes them, how long they live, what clients are told of failures."""

import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys

import pytest

from daemon import Daemon, free_port, http, request, stop_process, wait_for, wait_for_end

OK = [{'action': {'return': 200}}]


def listeners(unit, *addresses):
    return unit.control('PUT', '/config', {'listeners': {a: {'pass': 'routes'} for a in addresses}, 'routes': OK})


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(('::1', 0))
        return True
    except OSError:
        return False


def test_every_form_of_address(unit):
    path, name = unit.dir / 'a.sock', f'nxt-listeners-{os.getpid()}'
    cases = [
        (f'127.0.0.1:{unit.port}', (socket.AF_INET, ('127.0.0.1', unit.port))),
        (f'unix:{path}', (socket.AF_UNIX, str(path))),
        (f'unix:@{name}', (socket.AF_UNIX, '\0' + name)),
    ]
    other = free_port()
    cases.append((f'*:{other}', (socket.AF_INET, ('127.0.0.1', other))))
    if has_ipv6():
        # IPv6 only, so that the port is still free for IPv4.
        cases.append((f'[::]:{other}', (socket.AF_INET6, ('::1', other))))
    assert listeners(unit, *(c[0] for c in cases)).status == 200
    assert [http(c[1]).status for c in cases] == [200] * len(cases)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    assert listeners(unit).status == 200
    assert not path.exists()
    for _, (family, target) in cases:
        with socket.socket(family) as s:
            assert s.connect_ex(target) != 0


def test_reasons(unit):
    taken = socket.create_server(('127.0.0.1', 0))
    live = unit.dir / 'live.sock'
    held = socket.socket(socket.AF_UNIX)
    held.bind(str(live))
    held.listen()
    port = taken.getsockname()[1]
    cases = {
        f'127.0.0.1:{port}': f'the address is in use: bind("127.0.0.1:{port}") failed (98: Address already in use)',
        '192.0.2.1:8000': 'there is no such address here: bind("192.0.2.1:8000") failed '
                          '(99: Cannot assign requested address)',
        'unix:/no/such/sock': 'the path is invalid: bind("unix:/no/such/sock") failed (2: No such file or directory)',
        f'unix:{live}': f'the address is in use: bind("unix:{live}") failed (98: Address already in use)',
    }
    unit.serve(routes=OK)
    for address, detail in cases.items():
        a = listeners(unit, address)
        assert a.status == 500
        assert a.json() == {
            'error': 'Failed to apply new configuration.',
            'detail': f'the listener "{address}" cannot be opened: {detail}',
        }
    # What was there stays, also the socket of somebody else.
    assert unit.get().status == 200 and live.exists()
    held.close()
    # Now it is stale.
    assert listeners(unit, f'unix:{live}').status == 200
    assert http((socket.AF_UNIX, str(live))).status == 200
    taken.close()


def test_backlog_of_a_kept_socket(unit):
    def backlog():
        out = subprocess.run(['ss', '-Hltn', f'sport = :{unit.port}'], capture_output=True, text=True).stdout
        return int(out.split()[2])

    try:
        subprocess.run(['ss', '-V'], capture_output=True)
    except FileNotFoundError:
        pytest.skip('no ss here')
    address = f'127.0.0.1:{unit.port}'
    unit.serve(routes=OK, listeners={address: {'pass': 'routes', 'backlog': 7}})
    assert backlog() == 7
    with unit.connect() as c:
        unit.configure(9, f'/config/listeners/{address}/backlog')
        assert backlog() == 9
        c.send(request())
        assert c.answer().status == 200


def test_connections_wait_for_the_next_router(unit):
    path = unit.dir / 'a.sock'
    assert listeners(unit, f'127.0.0.1:{unit.port}', f'unix:{path}').status == 200
    inode = path.stat().st_ino
    router = unit.pid('unit: router')
    # It accepts nothing while it is stopped.
    stop_process(router)
    waiting = [unit.connect() for _ in range(5)]
    for c in waiting:
        c.send(request())
    os.kill(router, signal.SIGKILL)
    assert [c.answer().status for c in waiting] == [200] * 5
    assert http((socket.AF_UNIX, str(path))).status == 200
    assert path.stat().st_ino == inode


LAUNCHER = """
import os, socket, sys
sockets = []
for address in sys.argv[2].split(','):
    if address.startswith('/'):
        s = socket.socket(socket.AF_UNIX)
        s.bind(address)
    else:
        host, port = address.rsplit(':', 1)
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, int(port)))
    s.listen()
    sockets.append(s.detach())
sockets.append(os.open('/dev/null', os.O_RDONLY))
# Out of the way of 3 and following, then into their places.
high = [os.dup2(fd, 100 + i) for i, fd in enumerate(sockets)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES='web:extra')
os.execv(sys.argv[1], [sys.argv[1]] + sys.argv[3:])
"""


class Activated(Daemon):
    """Started like by a service manager, on sockets that are open already."""

    def __init__(self, ports, control):
        self.ports, self.with_control = ports, control
        super().__init__()

    def start(self, **more):
        script = self.dir / 'launcher.py'
        script.write_text(LAUNCHER)
        addresses = [f'127.0.0.1:{p}' for p in self.ports] + ([str(self.socket)] if self.with_control else [])
        binary, wrapper = self.binary, self.dir / 'unitd'
        wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} {script} {binary} {",".join(addresses)} "$@"\n')
        wrapper.chmod(0o755)
        self.binary = wrapper
        super().start(**more)


@pytest.fixture
def activated():
    daemon = Activated([free_port(), free_port()], control=True)
    try:
        yield daemon
    finally:
        daemon.remove()


def test_socket_activation(activated):
    unit = activated
    port, spare = unit.ports
    for record in (
        f'inherited listening socket "127.0.0.1:{port}" (web)',
        f'inherited listening socket "127.0.0.1:{spare}" (extra)',
        'is no listening socket, closed',
        f'no listener uses the inherited socket "127.0.0.1:{spare}" yet',
    ):
        wait_for(lambda: record in unit.log() or record in (unit.dir / 'stderr').read_text(), what=record)
    inode = unit.socket.stat().st_ino
    # Of the addresses that are taken; they could not be bound.
    assert listeners(unit, f'127.0.0.1:{port}').status == 200
    assert http((socket.AF_INET, ('127.0.0.1', port))).status == 200
    assert listeners(unit, f'127.0.0.1:{spare}').status == 200
    assert http((socket.AF_INET, ('127.0.0.1', spare))).status == 200
    assert listeners(unit, f'127.0.0.1:{port}').status == 200
    assert http((socket.AF_INET, ('127.0.0.1', port))).status == 200

    # Applications and the others see nothing of it.
    for pid in unit.processes():
        environ = pathlib.Path(f'/proc/{pid}/environ').read_bytes()
        assert b'LISTEN_FDS' not in environ or pid == unit.process.pid

    # Through a change of the binary too.
    unit.process.send_signal(signal.SIGUSR2)
    unit.wait_log('serves; end this one')
    new = int(unit.pid_file.read_text())
    unit.process.send_signal(signal.SIGTERM)
    unit.process.wait(30)
    assert http((socket.AF_INET, ('127.0.0.1', port))).status == 200
    assert listeners(unit, f'127.0.0.1:{spare}').status == 200
    assert http((socket.AF_INET, ('127.0.0.1', spare))).status == 200
    os.kill(new, signal.SIGTERM)
    assert not wait_for_end([new])
    # The file is not unitd's.
    assert unit.socket.stat().st_ino == inode


def test_activation_of_another_process_is_ignored():
    os.environ.update(LISTEN_PID='1', LISTEN_FDS='1')
    try:
        daemon = Daemon()
    finally:
        del os.environ['LISTEN_PID'], os.environ['LISTEN_FDS']
    try:
        assert 'inherited' not in daemon.log() + (daemon.dir / 'stderr').read_text()
    finally:
        daemon.remove()
