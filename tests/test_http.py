"""HTTP/1 on a listener: framing, connections, limits, and clients that misbehave."""

import os
import select
import socket
import struct
import time

import pytest

from daemon import Connection, Daemon, descriptors, request, wait_for

GET = b'GET / HTTP/1.1\r\nHost: a\r\n\r\n'


@pytest.fixture
def plain(unit):
    """A listener that answers 200 without an application."""
    unit.serve(routes=[{'action': {'return': 200}}])
    return unit


@pytest.fixture
def echo(unit, python):
    unit.serve({'echo': python('echo')})
    return unit


def router_descriptors(unit):
    return descriptors(unit.pid('unit: router'))


# Connections.

def test_keep_alive_and_pipelining(echo):
    with echo.connect() as c:
        c.send(b''.join(request('POST', '/', body=str(i).encode() * i, close=False) for i in range(1, 20)))
        for i in range(1, 20):
            assert c.answer().text == str(i) * i
        c.send(request('POST', '/', body=b'last'))
        a = c.answer()
        assert (a.text, a.header('Connection')) == ('last', 'close')
        assert c.closed()


def test_http10(plain):
    with plain.connect() as c:
        c.send(b'GET / HTTP/1.0\r\n\r\n')
        a = c.answer()
        assert (a.status, a.header('Connection')) == (200, None)
        assert c.closed()
    with plain.connect() as c:
        c.send(b'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
        assert c.answer().header('Connection') == 'keep-alive'
        c.send(b'GET / HTTP/1.0\r\n\r\n')
        assert c.answer().status == 200


def test_http10_body_without_length_ends_with_the_connection(unit, python):
    unit.serve({'stream': python('stream')})
    a = unit.get('/?2', version='HTTP/1.0')
    assert (a.header('Transfer-Encoding'), len(a.body)) == (None, 2 << 20)


@pytest.mark.parametrize('size', [1, 2, 3, 7])
def test_request_in_small_pieces(echo, size):
    data = request('POST', '/a%20b?c=d', {'X-Long': 'v' * 50}, b'0123456789')
    with echo.connect() as c:
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(data), size):
            c.send(data[i:i + size])
            time.sleep(0.001)
        assert c.answer().body == b'0123456789'


def test_head_has_no_body(echo):
    with echo.connect() as c:
        c.send(request('HEAD', '/', close=False, body=b'abc') + request('GET', '/', close=False))
        a = c.answer('HEAD')
        assert (a.status, a.header('Content-Length')) == (200, '3')
        assert c.answer().status == 200


def test_head_of_an_error_page_has_no_body(plain):
    plain.configure(404, '/config/routes/0/action/return')
    with plain.connect() as c:
        c.send(request('HEAD', '/', close=False) + request('GET', '/'))
        assert c.answer('HEAD').status == 404
        assert c.answer().body == b'<!DOCTYPE html><title>Error 404</title><p>Error 404.\r\n'


def test_body_sizes(echo):
    for size in (0, 1, 1024, 16383, 16384, 16385, 65536, 1 << 20, 5_000_000):
        body = os.urandom(size)
        assert echo.post('/', body).body == body, size


def test_chunked_request(echo):
    body = b'5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n'
    assert echo.post('/', body, {'Transfer-Encoding': 'chunked'}).status == 411
    echo.configure({'http': {'chunked_transform': True}}, '/config/settings')
    with echo.connect() as c:
        head = b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
        c.send(head + body + GET)
        assert c.answer().body == b'hello world'
        assert c.answer().status == 200
        for byte in head + body:
            c.send(bytes([byte]))
            time.sleep(0.0005)
        assert c.answer().body == b'hello world'
    big = os.urandom(300_000)
    pieces = b''.join(f'{len(p):x}\r\n'.encode() + p + b'\r\n' for p in (big[:1], big[1:100_000], big[100_000:]))
    assert echo.post('/', pieces + b'0\r\n\r\n', {'Transfer-Encoding': 'chunked'}).body == big


def test_expect_100_continue(echo):
    with echo.connect() as c:
        c.send(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n')
        assert c.head().status == 100
        c.send(b'hello')
        assert c.answer().body == b'hello'


def test_unix_abstract_and_ipv6_listeners(unit):
    path = unit.tmp / 'l.sock'
    names = {f'unix:{path}': (socket.AF_UNIX, str(path)),
             f'unix:@nxt-test-{os.getpid()}': (socket.AF_UNIX, f'\0nxt-test-{os.getpid()}'),
             f'[::1]:{unit.port}': (socket.AF_INET6, ('::1', unit.port))}
    unit.serve(listeners={n: {'pass': 'routes'} for n in names}, routes=[{'action': {'return': 200}}])
    for name, address in names.items():
        with Connection(address) as c:
            c.send(GET)
            assert c.answer().status == 200, name
    unit.configure({}, '/config/listeners')
    for name, address in names.items():
        with pytest.raises(OSError):
            Connection(address)
    wait_for(lambda: not path.exists(), what='the socket file to go')


def test_listener_that_is_removed(plain):
    with plain.connect() as c:
        c.send(GET)
        assert c.answer().status == 200
        plain.configure({}, '/config/listeners')
        with pytest.raises(ConnectionRefusedError):
            plain.connect()
        assert c.answer().status == 408
        assert c.closed()


def test_listen_threads(plain):
    for number in (1, 4, 2):
        plain.configure({'listen_threads': number}, '/config/settings')
        for _ in range(10):
            assert plain.get().status == 200
    wait_for(lambda: len(os.listdir(f"/proc/{plain.pid('unit: router')}/task")) <= 4, what='threads to end')


# Requests that are refused.

REFUSED = [
    (b'\x16\x03\x01\x02\x00', 400),
    (b'get / HTTP/1.1\r\nHost: a\r\n\r\n', 400),
    (b'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400),
    (b'GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n', 400),
    (b'GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n', 400),
    (b'GET /../etc HTTP/1.1\r\nHost: a\r\n\r\n', 400),
    (b'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505),
    (b'GET / HTTX/1.1\r\nHost: a\r\n\r\n', 400),
    (b'GET /\r\n\r\n', 400),
    (b'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400),
    (b'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400),
    (b'GET / HTTP/1.1\r\nHost: a\r\nName : value\r\n\r\n', 400),
    (b'GET / HTTP/1.1\r\nHost: a\r\n: value\r\n\r\n', 400),
    (b'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n', 400),
    (b'GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n', 400),
    (b'GET / HTTP/1.1\r\nHost: a\r\n' + b'n' * 256 + b': v\r\n\r\n', 431),
    (b'GET / HTTP/1.1\r\nHost: a\r\nX: ' + b'v' * 9000 + b'\r\n\r\n', 431),
    (b'GET /' + b'p' * 9000 + b' HTTP/1.1\r\nHost: a\r\n\r\n', 431),
    (b'GET / HTTP/1.1\r\nHost: a\r\n' + b'X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n' * 2000 + b'\r\n', 431),
    (b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n', 400),
    (b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n', 400),
    (b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx', 400),
    (b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n', 400),
    (b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n', 413),
    (b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n', 501),
    (b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 411),
]


@pytest.mark.parametrize('data, status', REFUSED, ids=[f'{i}-{status}' for i, (_, status) in enumerate(REFUSED)])
def test_refused(plain, data, status):
    with plain.connect() as c:
        c.send(data)
        if data.startswith(b'\x16'):
            c.send(b'\r\n\r\n')
        a = c.answer()
        assert a.status == status
        assert c.closed()
    assert plain.get().status == 200


def test_limits_can_be_changed(plain):
    plain.configure({'http': {'max_body_size': 10, 'large_header_buffer_size': 512, 'large_header_buffers': 1}},
                    '/config/settings')
    assert plain.post('/', b'x' * 10).status == 200
    assert plain.post('/', b'x' * 11).status == 413
    assert plain.get('/', {'X': 'y' * 4000}).status == 431


def test_413_reaches_a_client_that_is_still_sending(plain):
    with plain.connect() as c:
        c.send(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n')
        try:
            for _ in range(20):
                c.send(b'x' * 65536)
        except OSError:
            pass
        assert c.head().status == 413


# Clients that stall, leave, or half-close.

def test_header_timeout(plain):
    plain.configure({'http': {'header_read_timeout': 1}}, '/config/settings')
    with plain.connect() as c:
        c.send(b'GET / HTTP/1.1\r\n')
        assert c.answer().status == 408
        assert c.closed()
    with plain.connect() as c:
        c.send(b'GET / HTTP/1.1\r\n')
        for _ in range(50):
            if select.select([c.sock], [], [], 0.2)[0]:
                break
            c.send(b'X: y\r\n')
        else:
            pytest.fail('a client that drips its header must not be waited for')
        assert c.answer().status == 408


def test_body_timeout(echo):
    echo.configure({'http': {'body_read_timeout': 1}}, '/config/settings')
    with echo.connect() as c:
        c.send(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123')
        assert c.answer().status == 408
        assert c.closed()


def test_idle_timeout(plain):
    plain.configure({'http': {'idle_timeout': 1}}, '/config/settings')
    with plain.connect() as c:
        c.send(GET)
        assert c.answer().status == 200
        a = c.answer()
        assert (a.status, a.header('Connection'), a.body) == (408, 'close', b'')
        assert c.closed()


def test_send_timeout(unit, python):
    unit.serve({'stream': python('stream')}, settings={'http': {'send_timeout': 1}})
    with unit.connect() as c:
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.send(b'GET /?100 HTTP/1.1\r\nHost: a\r\n\r\n')
        wait_for(lambda: unit.control('GET', '/status').json()['connections']['active'] == 1)
        wait_for(lambda: unit.control('GET', '/status').json()['connections']['active'] == 0, what='the connection to be cut')
    assert len(unit.get('/?1').body) == 1 << 20


def test_half_closed_client_gets_its_answer(unit, python):
    unit.serve({'pid': python('pid')})
    with unit.connect() as c:
        c.send(b'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
        c.sock.shutdown(socket.SHUT_WR)
        assert c.answer().status == 200
        assert c.closed()


def test_clients_that_leave_are_forgotten(echo):
    assert echo.post('/', b'x').body == b'x'
    before = router_descriptors(echo)
    for i in range(60):
        c = echo.connect()
        c.send([b'', b'GET', GET, b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n' + b'x' * 50_000][i % 4])
        if i % 2:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        c.close()
    wait_for(lambda: router_descriptors(echo) <= before, what='descriptors back')
    assert echo.post('/', b'y').body == b'y'


def test_many_connections(plain):
    connections = [plain.connect() for _ in range(500)]
    for c in connections:
        c.send(GET)
    assert all(c.answer().status == 200 for c in connections)
    for c in connections:
        c.close()


def test_out_of_descriptors_recovers():
    """The router runs out of descriptors: it goes on with the connections it has and accepts again later."""
    unit = Daemon(descriptors=64)
    try:
        unit.serve(routes=[{'action': {'return': 200}}])
        pid = unit.pid('unit: router')
        connections = [unit.connect() for _ in range(100)]
        for c in connections[:5]:
            c.send(GET)
            assert c.answer().status == 200
        cpu = cpu_seconds(pid)
        time.sleep(1)
        assert cpu_seconds(pid) - cpu < 0.5, 'the router spins'
        for c in connections:
            c.close()
        wait_for(unit.serves)
    finally:
        unit.remove()


def cpu_seconds(pid):
    fields = open(f'/proc/{pid}/stat').read().rsplit(') ', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


# Memory.

def resident(pid):
    """MiB of physical memory of the process."""
    status = open(f'/proc/{pid}/status').read()
    return int(status.split('VmRSS:')[1].split()[0]) / 1024


def test_slow_reader_of_a_large_response(unit, python):
    """1 GiB through a client that reads slowly, then at full speed: the router stays below 64 MiB."""
    unit.serve({'stream': python('stream')}, settings={'http': {'send_timeout': 60}})
    router = unit.pid('unit: router')
    total, peak = 0, 0.0
    with unit.connect(timeout=60) as c:
        c.send(b'GET /?1024 HTTP/1.0\r\nHost: a\r\n\r\n')
        end = time.monotonic() + 3
        while time.monotonic() < end:
            total += len(c.sock.recv(262144))
            peak = max(peak, resident(router))
            time.sleep(0.01)
        while data := c.sock.recv(1 << 20):
            total += len(data)
            if total % 64 == 0:
                peak = max(peak, resident(router))
        peak = max(peak, resident(router))
    assert total > 1 << 30
    assert peak < 64, f'{peak} MiB'


def test_large_upload_goes_to_a_file(echo):
    echo.configure({'http': {'max_body_size': 200_000_000}}, '/config/settings')
    router = echo.pid('unit: router')
    body = b'z' * 100_000_000
    with echo.connect(timeout=60) as c:
        c.send(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n')
        c.send(body[:90_000_000])
        assert resident(router) < 64
        c.send(body[90_000_000:])
        assert c.answer().body == body
    assert not [f for f in os.listdir(echo.tmp) if f.startswith('req-')]
