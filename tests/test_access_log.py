"""The access log: what is in it, its file, and that writing it holds nothing up."""

import json
import os
import re
import signal
import threading
import time

import pytest

from daemon import links, request, wait_for

ROUTES = [
    {'match': {'uri': '/headers'}, 'action': {'return': 200, 'response_headers': {'X-Made': '"$arg_v"'}}},
    {'match': {'uri': '/error'}, 'action': {'return': 404}},
    {'action': {'return': 200}},
]


def serve(unit, log, routes=ROUTES, **more):
    unit.configure({
        'listeners': {f'127.0.0.1:{unit.port}': {'pass': 'routes'}},
        'routes': routes,
        'access_log': log,
        **more,
    })


def lines(path, count):
    """The lines of the log, once there are so many; no more may come."""
    wait_for(lambda: path.exists() and len(path.read_text().splitlines()) >= count, what=f'{count} lines')
    time.sleep(0.1)
    found = path.read_text().splitlines()
    assert len(found) == count, found
    return found


@pytest.fixture
def path(unit):
    return unit.dir / 'access.log'


def test_default_format(unit, path):
    serve(unit, str(path))
    unit.get('/a?b=c', {'Referer': 'from', 'User-Agent': 'agent "x"'})
    unit.get('/error')
    first, second = lines(path, 2)
    when = r'\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]'
    assert re.fullmatch(rf'127\.0\.0\.1 - - {when} "GET /a\?b=c HTTP/1\.1" 200 0 "from" "agent "x""', first)
    assert re.fullmatch(rf'127\.0\.0\.1 - - {when} "GET /error HTTP/1\.1" 404 54 "-" "-"', second)


def test_every_request_of_a_connection(unit, path):
    serve(unit, {'path': str(path), 'format': '$uri $response_header_connection'})
    with unit.connect() as c:
        c.send(b''.join(request(path=f'/{n}', close=n == 9) for n in range(10)))
        for _ in range(10):
            assert c.answer().status == 200
    assert lines(path, 10) == [f'/{n} -' for n in range(9)] + ['/9 close']


def test_variables_of_the_response(unit, path):
    names = ('server', 'date', 'content_length', 'x_made', 'transfer_encoding', 'connection')
    serve(unit, {'path': str(path), 'format': '|'.join(f'$response_header_{n}' for n in names) + '|$status'})
    answer = unit.get('/headers?v=1')
    expected = f'{answer.header("Server")}|{answer.header("Date")}|0|"1"|-|close|200'
    assert lines(path, 1) == [expected]


def test_body_bytes_count_what_was_sent(unit, path, python):
    unit.configure({
        'listeners': {f'127.0.0.1:{unit.port}': {'pass': 'applications/echo'}},
        'applications': {'echo': python('echo')},
        'access_log': {'path': str(path), 'format': '$method $body_bytes_sent $response_header_transfer_encoding'},
    })
    received = len(unit.post('/', b'x' * 20000).body)
    with unit.connect() as c:
        c.send(request('HEAD', '/'))
        assert c.answer('HEAD').status == 200
    post, head = lines(path, 2)
    sent = int(post.split()[1])
    assert received <= sent <= received + 64
    assert head.startswith('HEAD 0 ')


def test_json_is_well_formed_whatever_clients_send(unit, path):
    serve(unit, {'path': str(path), 'format': {
        'uri': '$uri', 'agent': 'is $header_user_agent', 'missing': '$cookie_none', '"$name': '$status'}})
    unit.get('/%22%0a%5c%ff', {'User-Agent': '"}\\ \t\xe9'})
    record = json.loads(lines(path, 1)[0])
    assert record['uri'].startswith('/"\n\\') and len(record['uri']) == 5
    assert record['agent'].startswith('is "}\\ \t')
    assert record['missing'] == '-' and record['"$name'] == '200'
    assert list(record) == ['uri', 'agent', 'missing', '"$name']


def test_no_line_can_be_forged(unit, path):
    serve(unit, {'path': str(path), 'format': '$uri'})
    unit.get('/a%0a127.0.0.1%20forged')
    assert lines(path, 1) == ['/a\\x0A127.0.0.1 forged']


def test_condition(unit, path):
    serve(unit, {'path': str(path), 'format': '$uri', 'if': '!$arg_quiet'})
    for target in ('/a', '/b?quiet=1', '/c?quiet=0', '/d?quiet', '/e'):
        unit.get(target)
    assert lines(path, 4) == ['/a', '/c', '/d', '/e']


def test_requests_that_are_refused_or_cut_off(unit, path):
    serve(unit, {'path': str(path), 'format': '$request_line $status $body_bytes_sent'})
    with unit.connect() as c:
        c.send(b'GE')
    assert lines(path, 1) == ['- 400 0']
    with unit.connect() as c:
        c.send(b'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n')
        assert c.answer().status == 400
    assert lines(path, 2)[1] == 'GET / HTTP/1.1 400 54'
    with unit.connect() as c:
        c.send(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc')
    assert lines(path, 3)[2] == 'POST / HTTP/1.1 400 0'


def test_a_client_without_a_request_is_not_recorded(unit, path):
    serve(unit, {'path': str(path), 'format': '$uri'})
    unit.connect().close()
    unit.get('/real')
    assert lines(path, 1) == ['/real']


def test_change_and_removal(unit, path):
    serve(unit, {'path': str(path), 'format': '$uri'})
    unit.get('/one')
    lines(path, 1)
    other = unit.dir / 'other.log'
    unit.configure(str(other), '/config/access_log/path')
    unit.get('/two')
    assert lines(other, 1) == ['/two']
    # The file is the same: what was there stays.
    unit.configure('$method $uri', '/config/access_log/format')
    unit.get('/three')
    assert lines(other, 2) == ['/two', 'GET /three']
    assert unit.control('DELETE', '/config/access_log').status == 200
    unit.get('/four')
    assert lines(path, 1) == ['/one'] and len(lines(other, 2)) == 2
    router = unit.pid('unit: router')
    wait_for(lambda: not any('.log' in link and 'unit.log' not in link for link in links(router)), what='closed logs')


def test_a_file_that_cannot_be_opened_is_refused_with_the_reason(unit, path):
    serve(unit, str(path))
    answer = unit.control('PUT', '/config/access_log', str(unit.dir / 'none/access.log'))
    assert answer.status == 500 and 'No such file or directory' in answer.text
    assert unit.control('GET', '/config/access_log').json() == str(path)
    unit.get('/still')
    assert '/still' in lines(path, 1)[0]


def test_files_are_made_for_their_owner_only(unit, path):
    serve(unit, str(path))
    assert path.stat().st_mode & 0o777 == 0o600


def test_reopened_on_usr1(unit, path):
    serve(unit, {'path': str(path), 'format': '$uri'})
    unit.get('/before')
    lines(path, 1)
    old = unit.dir / 'old.log'
    for round_ in range(3):
        path.rename(old)
        inode = old.stat().st_ino
        unit.process.send_signal(signal.SIGUSR1)
        router = unit.pid('unit: router')
        wait_for(lambda: path.exists(), what='a new file')
        wait_for(lambda: str(old) not in links(router), what='the old file to be closed')
        unit.get(f'/after{round_}')
        assert lines(path, 1) == [f'/after{round_}']
        assert path.stat().st_ino != inode


def test_everything_is_written_before_the_daemon_ends(unit, path):
    serve(unit, {'path': str(path), 'format': '$uri'})
    with unit.connect() as c:
        c.send(b''.join(request(path=f'/{n}', close=False) for n in range(200)))
        for _ in range(200):
            c.answer()
    assert unit.stop() == 0
    assert path.read_text() == ''.join(f'/{n}\n' for n in range(200))


def test_a_pipe_that_nobody_reads_holds_nothing_up(unit):
    fifo = unit.dir / 'pipe'
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    serve(unit, {'path': str(fifo), 'format': '$uri ' + 'x' * 4000})
    count = 1500  # 6 MB: more than the pipe and the lines that may wait
    start = time.monotonic()
    with unit.connect() as c:
        for n in range(count):
            c.send(request(path=f'/{n}', close=False))
            assert c.answer().status == 200
    assert time.monotonic() - start < 60
    os.set_blocking(reader, True)
    got = []
    thread = threading.Thread(target=read_all, args=(reader, got))
    thread.start()
    unit.wait_log('lines of the access log were dropped')
    unit.configure({})
    thread.join(60)
    assert not thread.is_alive()
    numbers = [int(line.split()[0][1:]) for line in b''.join(got).decode().splitlines()]
    assert numbers == sorted(numbers) and numbers[0] == 0 and 500 < len(numbers) < count
    dropped = int(re.search(r'(\d+) lines of the access log', unit.log()).group(1))
    assert dropped + len(numbers) == count


def read_all(fd, got):
    while data := os.read(fd, 1 << 20):
        got.append(data)
    os.close(fd)


def test_a_pipe_without_a_reader_is_refused_at_once(unit, path):
    serve(unit, str(path))
    fifo = unit.dir / 'pipe'
    os.mkfifo(fifo)
    start = time.monotonic()
    answer = unit.control('PUT', '/config/access_log', str(fifo))
    assert answer.status == 500 and 'No such device or address' in answer.text
    assert time.monotonic() - start < 15
    assert unit.get('/alive').status == 200
