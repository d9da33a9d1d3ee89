"""How the daemon ends: quickly, gracefully, and against resistance."""

import os
import re
import select
import signal
import socket
import threading
import time

import pytest
import websocket

from daemon import Connection, stop_process, wait_for, wait_for_end


def ask(c, path='/'):
    c.send(f'GET {path} HTTP/1.1\r\nHost: a\r\n\r\n'.encode())


def begin(unit, path):
    """A connection with a request in progress."""
    c = unit.connect()
    before = unit.control('GET', '/status/requests/total').json()
    ask(c, path)
    wait_for(lambda: unit.control('GET', '/status/requests/total').json() > before, what='the request')
    time.sleep(0.1)
    return c


def refuses(address):
    family, target = address
    with socket.socket(family) as s:
        return s.connect_ex(target) != 0


def elapsed(since):
    return time.monotonic() - since


@pytest.mark.parametrize('signo', [signal.SIGTERM, signal.SIGINT])
def test_quick(unit, python, signo):
    unit.serve({'sleep': python('sleep')})
    with begin(unit, '/4') as c:
        unit.process.send_signal(signo)
        assert c.closed(), 'it does not wait for the answer'
    assert unit.stop(signo) == 0
    assert not unit.pid_file.exists() and not unit.socket.exists()


def test_graceful_finishes_what_is_in_progress(unit, python):
    unit.serve({'sleep': python('sleep', processes=2)})
    tree = unit.processes()
    with begin(unit, '/5') as busy, unit.connect() as idle:
        ask(idle, '/0')
        assert idle.answer().status == 200
        time.sleep(1.2)
        unit.process.send_signal(signal.SIGQUIT)
        assert idle.closed()
        wait_for(lambda: refuses(unit.address), what='the listener to close')
        assert not select.select([busy.sock], [], [], 0)[0], 'neither waits for the answer'
        answer = busy.answer()
        assert answer.status == 200
        assert answer.header('Connection') == 'close'
    assert unit.process.wait(30) == 0
    unit.process = None
    assert not wait_for_end(tree)
    assert 'SIGKILL' not in unit.log() and '[alert]' not in unit.log()


def test_graceful_takes_what_was_accepted(unit, python):
    unit.serve({'sleep': python('sleep')}, settings={'listen_threads': 1})
    connections = [unit.connect() for _ in range(20)]
    unit.process.send_signal(signal.SIGQUIT)
    for c in connections:
        ask(c, '/0')
    assert [c.answer().status for c in connections] == [200] * 20
    assert unit.process.wait(30) == 0
    unit.process = None


def test_graceful_starts_processes_as_needed(unit, python):
    """Applications are served to the end, with the processes that this takes."""
    unit.serve({'pid': python('pid', processes=1, limits={'requests': 1})})
    connections = [unit.connect() for _ in range(4)]
    for c in connections:
        ask(c, '/slow')
    time.sleep(0.3)
    unit.process.send_signal(signal.SIGQUIT)
    answers = [c.answer() for c in connections]
    assert [a.status for a in answers] == [200] * 4
    assert len({a.text for a in answers}) == 4
    assert unit.process.wait(30) == 0
    unit.process = None


def test_graceful_is_bounded(unit, python):
    unit.serve({'sleep': python('sleep')}, settings={'shutdown_timeout': 1})
    with begin(unit, '/60') as c:
        start = time.monotonic()
        unit.process.send_signal(signal.SIGQUIT)
        assert c.closed()
        assert 0.9 < elapsed(start) < 8
    unit.wait_log('connections are still open after 1 s')
    tree = unit.processes()
    # The application is asleep in a request, and deaf.
    assert unit.process.wait(30) == 0
    unit.process = None
    assert not wait_for_end(tree)


def test_graceful_without_limit(unit, python):
    unit.serve({'sleep': python('sleep')}, settings={'shutdown_timeout': 0})
    with begin(unit, '/4') as c:
        unit.process.send_signal(signal.SIGQUIT)
        assert c.answer().status == 200
    assert unit.process.wait(30) == 0
    unit.process = None


def test_quick_overtakes_graceful(unit, python):
    unit.serve({'sleep': python('sleep')}, settings={'shutdown_timeout': 0})
    with begin(unit, '/5') as c:
        unit.process.send_signal(signal.SIGQUIT)
        assert not c.closed(0.5)
        unit.process.send_signal(signal.SIGTERM)
        assert c.closed(), 'it does not wait for the answer'
    assert unit.stop() == 0


def test_websockets_are_told(unit, python):
    unit.serve({'ws': python('websocket_echo')}, settings={'shutdown_timeout': 2})
    ws = websocket.create_connection(f'ws://127.0.0.1:{unit.port}/', timeout=30)
    ws.send('one')
    assert ws.recv() == 'one'
    unit.process.send_signal(signal.SIGQUIT)
    start = time.monotonic()
    time.sleep(0.5)
    ws.send('two')
    assert ws.recv() == 'two', 'a WebSocket lives until the time is over'
    code, data = ws.recv_data()
    assert code == websocket.ABNF.OPCODE_CLOSE and int.from_bytes(data[:2], 'big') == 1001
    assert 1.5 < elapsed(start) < 8
    ws.close()
    assert unit.process.wait(30) == 0
    unit.process = None


def test_keep_alive_clients_lose_nothing(unit, python):
    """Clients that send one request after the other see answers and closed connections only."""
    unit.serve({'pid': python('pid', processes=2)})
    failures, served = [], []

    def client():
        while True:
            first = True
            try:
                with Connection(unit.address) as c:
                    while True:
                        ask(c)
                        answer = c.answer()
                        served.append(answer.status)
                        if answer.header('Connection') == 'close':
                            break
                        first = False
            except ConnectionRefusedError:
                return
            except (EOFError, OSError) as e:
                # A connection made in the moment in which the socket is closed is reset.
                if not (first and isinstance(e, ConnectionResetError)):
                    failures.append(e)
                return

    threads = [threading.Thread(target=client) for _ in range(4)]
    for t in threads:
        t.start()
    wait_for(lambda: len(served) > 50, what='requests')
    unit.process.send_signal(signal.SIGQUIT)
    for t in threads:
        t.join(60)
    assert not failures and set(served) == {200}
    assert unit.process.wait(30) == 0
    unit.process = None


def test_stuck_application_is_killed(unit, python):
    unit.serve({'stuck': python('stuck')})
    with begin(unit, '/hang'):
        tree = unit.processes()
        app = unit.pid('"stuck" application')
        start = time.monotonic()
        unit.process.send_signal(signal.SIGTERM)
        assert unit.process.wait(60) == 0
        unit.process = None
        assert 8 < elapsed(start) < 20
    assert not wait_for_end(tree)
    log = unit.log()
    told = rf'application process {app} has been told to quit (\d+) s ago and has not: sending'
    assert 3 <= int(re.search(f'{told} SIGTERM', log)[1]) < 9
    assert 9 <= int(re.search(f'{told} SIGKILL', log)[1]) < 15


def test_stopped_children_are_killed(unit):
    """Also the daemon's own processes get no more than their time."""
    unit.configure({'listeners': {}})
    tree = unit.processes()
    router, controller = unit.pid('unit: router'), unit.pid('unit: controller')
    stop_process(router)
    stop_process(controller)
    unit.process.send_signal(signal.SIGTERM)
    assert unit.process.wait(60) == 0
    unit.process = None
    assert not wait_for_end(tree)
    told = rf'router process {router} has been told to quit (\d+) s ago and has not: sending SIGKILL'
    assert 10 <= int(re.search(told, unit.log())[1]) < 16


def test_router_that_does_not_finish(unit, python):
    unit.serve({'pid': python('pid')}, settings={'shutdown_timeout': 1})
    router = unit.pid('unit: router')
    stop_process(router)
    unit.process.send_signal(signal.SIGQUIT)
    unit.wait_log('the router has not finished in time')
    unit.process.send_signal(signal.SIGTERM)
    assert unit.process.wait(60) == 0
    unit.process = None
    assert not wait_for_end([router])


def test_dead_router_ends_a_graceful_shutdown(unit, python):
    unit.serve({'sleep': python('sleep')})
    with begin(unit, '/3'):
        unit.process.send_signal(signal.SIGQUIT)
        time.sleep(0.3)
        os.kill(unit.pid('unit: router'), signal.SIGKILL)
        assert unit.process.wait(30) == 0
        unit.process = None


def test_shutdown_timeout_is_checked(unit):
    answer = unit.control('PUT', '/config', {'listeners': {}, 'settings': {'shutdown_timeout': -1}})
    assert answer.status == 400
    assert answer.json()['detail'] == 'The "shutdown_timeout" number must be equal to or greater than 0.'
