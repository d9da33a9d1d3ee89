"""The proxy action and upstreams, with servers that behave in every way."""

import contextlib
import re
import socket
import threading
import time

import pytest

from daemon import descriptors, free_port, request, wait_for


class Server:
    """A server on loopback: `script(connection, head, body)` handles each connection."""

    def __init__(self, script):
        self.script = script
        self.heads, self.bodies = [], []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            data = b''
            while b'\r\n\r\n' not in data:
                part = connection.recv(65536)
                if not part:
                    return
                data += part
            head, _, body = data.partition(b'\r\n\r\n')
            self.heads.append(head.decode('latin-1').split('\r\n'))
            length = re.search(rb'(?i)\r\ncontent-length: (\d+)', head)
            self.script(connection, body, int(length.group(1)) if length else 0)

    def close(self):
        self.listener.close()


def read_body(connection, body, length):
    while len(body) < length:
        part = connection.recv(1 << 20)
        if not part:
            break
        body += part
    return body


@pytest.fixture
def server():
    servers = []

    def make(script):
        """A server that sends these bytes, or runs this script."""
        if isinstance(script, bytes):
            text = script

            def script(connection, body, length):
                read_body(connection, body, length)
                connection.sendall(text)

        servers.append(Server(script))
        return servers[-1]

    yield make
    for s in servers:
        s.close()


def proxy(unit, server, **action):
    unit.serve(routes=[{'action': {'proxy': f'http://127.0.0.1:{server.port}', **action}}])


def response(fields='', body=b'', status='200 OK'):
    return f'HTTP/1.1 {status}\r\n{fields}\r\n'.encode('latin-1') + body


def test_requests_as_servers_see_them(unit, server):
    s = server(response('Content-Length: 0\r\n'))
    proxy(unit, s)
    with unit.connect() as c:
        c.send(b'GET //a/../b?c=%20 HTTP/1.0\r\nHOST: Example\r\nA_b: dropped\r\nX-One: 1\r\nX-Two: 2\r\n'
               b'Connection: keep-alive, x-two\r\nTE: trailers\r\nExpect: 100-continue\r\nUpgrade: h2c\r\n\r\n')
        assert c.answer().status == 200
    assert s.heads == [['GET //a/../b?c=%20 HTTP/1.1', 'Connection: close', 'HOST: Example', 'X-One: 1']]
    with unit.connect() as c:
        c.send(b'GET /a b HTTP/1.0\r\n\r\n')
        assert c.answer().status == 200
    assert s.heads[1] == ['GET /a%20b HTTP/1.1', 'Connection: close', f'Host: 127.0.0.1:{s.port}']


def test_rewritten_targets(unit, server):
    s = server(response('Content-Length: 0\r\n'))
    proxy(unit, s, rewrite='/new$uri')
    unit.get('/a%20b%22?q=1')
    assert s.heads[0][0] == 'GET /new/a%20b%22?q=1 HTTP/1.1'


def test_responses_as_clients_see_them(unit, server):
    s = server(response('Server: theirs\r\nX_y: 1\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n'
                        'Date: then\r\nContent-Length: 3\r\nX-End: 2\r\n', b'abcdefg', '404 Gone fishing'))
    proxy(unit, s, response_headers={'X-Ours': 'no'})
    with unit.connect() as c:
        for _ in range(2):
            c.send(request(close=False))
            a = c.answer()
            assert (a.status, a.reason, a.body) == (404, 'Not Found', b'abc')
            assert a.headers == [('X_y', '1'), ('Date', 'then'), ('Content-Length', '3'), ('X-End', '2'),
                                 ('Server', a.header('Server'))]
            assert a.header('Server').startswith('Unit/')


def test_response_headers_apply(unit, server):
    proxy(unit, server(response('Content-Length: 1\r\nX-A: 1\r\n', b'a')),
          response_headers={'X-A': None, 'X-B': '$status'})
    a = unit.get()
    assert a.header('X-A') is None and a.header('X-B') == '200' and a.body == b'a'


@pytest.mark.parametrize('length', [0, 5, 16384, 16385, 5_000_000])
def test_bodies_go_both_ways(unit, server, length):
    def mirror(connection, body, expected):
        body = read_body(connection, body, expected)
        connection.sendall(response(f'Content-Length: {len(body)}\r\n') + body)

    proxy(unit, server(mirror))
    body = bytes(n % 251 for n in range(length))
    assert unit.post('/', body).body == body


def test_chunked_requests_get_a_length(unit, server):
    s = server(response('Content-Length: 0\r\n'))
    unit.serve(routes=[{'action': {'proxy': f'http://127.0.0.1:{s.port}'}}],
               settings={'http': {'chunked_transform': True}})
    with unit.connect() as c:
        c.send(b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n')
        assert c.answer().status == 200
    assert 'Content-Length: 3' in s.heads[0]
    assert not any('Transfer-Encoding' in field for field in s.heads[0])


def test_heads_and_statuses_without_a_body(unit, server):
    cases = [
        ('HEAD', '200 OK', 'Content-Length: 5\r\n', '5'), ('HEAD', '200 OK', 'Transfer-Encoding: chunked\r\n', None),
        ('GET', '304 Not Modified', 'Content-Length: 7\r\n', '7'), ('GET', '204 No Content', '', None),
        ('GET', '204 No Content', 'Content-Length: 2\r\n', None),
    ]
    for method, status, fields, length in cases:
        proxy(unit, server(response(fields, b'', status)))
        with unit.connect() as c:
            for _ in range(2):
                c.send(request(method, close=False))
                a = c.answer(method)
                assert a.status == int(status[:3]) and a.header('Content-Length') == length, (method, status)
                assert a.header('Transfer-Encoding') is None


def test_chunked_responses(unit, server):
    def script(connection, body, length):
        for piece in (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r', b'\n3;e', b'xt="x"\r\na', b'bc\r\n',
                      b'00004\r\ndefg\r\n0\r\nX-Trailer: 1\r\n', b'\r\n'):
            connection.sendall(piece)
            time.sleep(0.02)
        connection.recv(1)  # the end is known without a close

    proxy(unit, server(script))
    with unit.connect() as c:
        c.send(request(close=False))
        a = c.answer()
        assert a.body == b'abcdefg' and a.header('Transfer-Encoding') == 'chunked'
        c.send(request(version='HTTP/1.0'))
        a = c.answer()
        assert a.body == b'abcdefg' and a.header('Transfer-Encoding') is None


def test_responses_that_end_with_the_connection(unit, server):
    proxy(unit, server(response('', b'abc')))
    with unit.connect() as c:
        c.send(request(close=False))
        assert c.answer().body == b'abc'
        c.send(request(version='HTTP/1.0'))
        assert c.answer().body == b'abc'


@pytest.mark.parametrize('text', [
    b'',
    b'HTTP/1.1 200 OK\r\nContent-Le',
    b'SSH-2.0-OpenSSH\r\n',
    b'HTTP/2.0 200 OK\r\n\r\n',
    response('Content-Length: 1\r\nContent-Length: 2\r\n', b'ab'),
    response('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', b'0\r\n\r\n'),
    response('Transfer-Encoding: gzip, chunked\r\n', b'0\r\n\r\n'),
    response('Transfer-Encoding: chunked\r\n', b'1\r\nabc\r\n0\r\n\r\n'),
    response('Transfer-Encoding: chunked\r\n', b'fffffffffffffffff\r\n'),
    response('A: b\0c\r\n', b''),
    response('A: b\rX: c\r\n', b''),
    response('Upgrade: x\r\nConnection: Upgrade\r\n', b'', '101 Switching Protocols'),
    response('A: ' + 'x' * 70000 + '\r\n', b''),
], ids=lambda text: text[:60].decode('latin-1').split('\r\n', 1)[-1][:30] or 'nothing')
def test_bad_responses_are_502(unit, server, text):
    proxy(unit, server(text))
    with unit.connect() as c:
        for _ in range(2):
            c.send(request(close=False))
            assert c.answer().status == 502
    unit.wait_log('[error]')


def test_nobody_there(unit, server):
    unit.serve(routes=[{'action': {'proxy': f'http://127.0.0.1:{free_port()}'}}])
    assert unit.get().status == 502
    unit.wait_log('Connection refused')
    unit.serve(routes=[{'action': {'proxy': f'http://unix:{unit.dir}/none'}}])
    assert unit.get().status == 502


def test_interim_responses_are_skipped(unit, server):
    proxy(unit, server(b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'
                       + response('Content-Length: 2\r\n', b'ok')))
    a = unit.get()
    assert a.status == 200 and a.body == b'ok' and a.header('Link') is None


def test_a_server_that_answers_before_it_read_the_request(unit, server):
    def script(connection, body, length):
        connection.sendall(response('Content-Length: 3\r\n', b'no\n', '413 Too large'))
        connection.shutdown(socket.SHUT_WR)
        time.sleep(1)

    unit.serve(routes=[{'action': {'proxy': f'http://127.0.0.1:{server(script).port}'}}],
               settings={'http': {'max_body_size': 1 << 26}})
    start = time.monotonic()
    a = unit.post('/', b'x' * (1 << 25))
    assert a.status == 413 and a.body == b'no\n'
    assert time.monotonic() - start < 20


def test_cut_responses_look_cut(unit, server):
    for fields, body in (('Content-Length: 10\r\n', b'abc'), ('Transfer-Encoding: chunked\r\n', b'5\r\nabc')):
        proxy(unit, server(response(fields, body)))
        with unit.connect() as c:
            c.send(request(close=False))
            assert c.head().status == 200
            received = b''
            while part := c.sock.recv(100):
                received += part
            assert b'abc' in bytes(c.buffer) + received and not (bytes(c.buffer) + received).endswith(b'0\r\n\r\n')


def test_a_slow_client_does_not_fill_the_router(unit, server):
    total, sent = 200 << 20, [0]

    def script(connection, body, length):
        connection.sendall(response(f'Content-Length: {total}\r\n'))
        block = b'x' * (1 << 16)
        while sent[0] < total:
            sent[0] += connection.send(block[:total - sent[0]])

    proxy(unit, server(script))
    router = unit.pid('unit: router')
    before = resident(router)
    with unit.connect(60) as c:
        c.send(request())
        assert c.head().status == 200
        wait_for(lambda: stalled(sent), 20, 'the server to wait')
        assert sent[0] < total // 2
        assert resident(router) - before < 4 << 20
        left = total - len(c.buffer)
        while left:
            left -= len(c.sock.recv(1 << 20))
        assert c.sock.recv(1) == b''


def stalled(sent):
    before = sent[0]
    time.sleep(0.3)
    return before == sent[0] > 0


def resident(pid):
    with open(f'/proc/{pid}/status') as status:
        return int(re.search(r'VmRSS:\s+(\d+)', status.read()).group(1)) * 1024


def test_a_client_that_leaves_takes_the_server_along(unit, server):
    gone = threading.Event()

    def script(connection, body, length):
        connection.sendall(response('Transfer-Encoding: chunked\r\n'))
        try:
            while True:
                connection.sendall(b'5\r\nabcde\r\n')
                time.sleep(0.01)
        except OSError:
            gone.set()

    proxy(unit, server(script))
    router = unit.pid('unit: router')
    before = descriptors(router)
    with unit.connect() as c:
        c.send(request())
        assert c.head().status == 200
    assert gone.wait(30)
    wait_for(lambda: descriptors(router) <= before, what='descriptors')


def test_a_client_that_resets_while_the_server_thinks(unit, server):
    gone = threading.Event()

    def script(connection, body, length):
        if connection.recv(1) == b'':
            gone.set()

    proxy(unit, server(script))
    c = unit.connect()
    c.send(request())
    time.sleep(0.2)
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    c.close()
    assert gone.wait(30)


def test_no_websocket(unit, server):
    s = server(response('Content-Length: 0\r\n', b'', '400 Bad'))
    proxy(unit, s)
    with unit.connect() as c:
        c.send(b'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
               b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n')
        assert c.answer().status == 400
    assert not any(field.startswith('Upgrade') for field in s.heads[0])


def test_unix_and_abstract_sockets(unit):
    for name in (str(unit.dir / 'peer'), '@nxt-test-' + unit.dir.name):
        unit.configure({
            'listeners': {f'127.0.0.1:{unit.port}': {'pass': 'routes/front'}, f'unix:{name}': {'pass': 'routes/back'}},
            'routes': {'front': [{'action': {'proxy': f'http://unix:{name}'}}], 'back': [{'action': {'return': 207}}]},
        })
        assert unit.get().status == 207


def balance(unit, servers, path='/config'):
    unit.configure({
        'listeners': {f'127.0.0.1:{unit.port}': {'pass': 'upstreams/u'}},
        'upstreams': {'u': {'servers': servers}},
    })


def test_upstreams_share_by_weight(unit, server):
    servers = [server(response('Content-Length: 0\r\n', status=f'20{n} X')) for n in range(3)]
    weights = (2, 1, 0)
    balance(unit, {f'127.0.0.1:{s.port}': {'weight': w} for s, w in zip(servers, weights)})
    for _ in range(30):
        assert unit.get().status in (200, 201)
    assert [len(s.heads) for s in servers] == [20, 10, 0]


def test_upstreams_without_servers(unit):
    for servers in ({}, {'127.0.0.1:1': {'weight': 0}}):
        balance(unit, servers)
        assert unit.get().status == 502


def test_many_at_once_leave_nothing_behind(unit, server):
    def script(connection, body, length):
        time.sleep(0.05)
        connection.sendall(response('Content-Length: 2\r\n', b'ok'))

    proxy(unit, server(script))
    router = unit.pid('unit: router')
    assert unit.get().body == b'ok'
    before = descriptors(router)
    results = []
    threads = [threading.Thread(target=lambda: results.append(unit.get().body)) for _ in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [b'ok'] * 50
    wait_for(lambda: descriptors(router) <= before, what='descriptors')
