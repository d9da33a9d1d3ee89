"""Listeners behind a proxy: `forwarded` and `client_ip`."""

import socket

from daemon import http, request

ROUTES = [
    {'match': {'scheme': 'https'}, 'action': {'return': 302, 'location': '/https/$remote_addr'}},
    {'action': {'return': 302, 'location': '/http/$remote_addr'}},
]


def serve(unit, **options):
    unit.configure({
        'listeners': {f'127.0.0.1:{unit.port}': {'pass': 'routes', **options}},
        'routes': ROUTES,
    })


def seen(unit, *fields):
    return unit.get('/', list(fields)).header('Location')


def test_client_ip(unit):
    serve(unit, client_ip={'header': 'X-Forwarded-For', 'source': '127.0.0.1'})
    assert seen(unit) == '/http/127.0.0.1'
    assert seen(unit, ('x-forwarded-FOR', '192.0.2.1, 192.0.2.2')) == '/http/192.0.2.2'
    assert seen(unit, ('X-Forwarded-For', '2001:db8::1')) == '/http/2001:db8::1'
    assert seen(unit, ('X-Forwarded-For', 'unknown')) == '/http/127.0.0.1'
    assert seen(unit, ('X-Forwarded-Proto', 'https')) == '/http/127.0.0.1'


def test_a_stranger_is_not_believed(unit):
    for source in ('192.0.2.0/24', ['!127.0.0.1'], 'unix', []):
        serve(unit, forwarded={'client_ip': 'X-Real', 'protocol': 'X-Proto', 'source': source})
        assert seen(unit, ('X-Real', '192.0.2.1'), ('X-Proto', 'https')) == '/http/127.0.0.1', source


def test_scheme_and_recursion(unit):
    serve(unit, forwarded={
        'client_ip': 'X-Real', 'protocol': 'X-Proto', 'recursive': True, 'source': ['127.0.0.1', '10.0.0.0/8']})
    assert seen(unit, ('X-Proto', 'https')) == '/https/127.0.0.1'
    assert seen(unit, ('X-Proto', 'on'), ('X-Real', '192.0.2.1, 10.0.0.2'), ('X-Real', '10.0.0.1')) \
        == '/https/192.0.2.1'
    assert seen(unit, ('X-Real', '10.0.0.2')) == '/http/10.0.0.2'


def test_each_request_of_a_connection_speaks_for_itself(unit):
    serve(unit, client_ip={'header': 'X-Real', 'source': '127.0.0.1'})
    with unit.connect() as c:
        for fields, expected in (
                ({'X-Real': '192.0.2.1'}, '192.0.2.1'), ({}, '127.0.0.1'), ({'X-Real': '192.0.2.2'}, '192.0.2.2')):
            c.send(request(headers=fields, close=False))
            assert c.answer().header('Location') == f'/http/{expected}'


def test_applications_see_the_client(unit, python):
    unit.configure({
        'listeners': {f'127.0.0.1:{unit.port}': {
            'pass': 'applications/environ',
            'forwarded': {'client_ip': 'X-Real', 'protocol': 'X-Proto', 'source': '127.0.0.1'}}},
        'applications': {'environ': python('environ')},
    })
    with unit.connect() as c:
        for fields, address, scheme in (
                ({}, '127.0.0.1', 'http'),
                ({'X-Real': '192.0.2.1', 'X-Proto': 'https'}, '192.0.2.1', 'https'),
                ({}, '127.0.0.1', 'http')):
            c.send(request(headers=fields, close=False))
            environ = c.answer().json()
            assert (environ['REMOTE_ADDR'], environ['wsgi.url_scheme']) == (address, scheme)


def test_routes_and_unix_sockets(unit):
    path = unit.dir / 'listener'
    unit.configure({
        'listeners': {f'unix:{path}': {
            'pass': 'routes', 'client_ip': {'header': 'X-Real', 'source': 'unix'}}},
        'routes': [{'match': {'source': '192.0.2.0/24'}, 'action': {'return': 201}}, {'action': {'return': 202}}],
    })
    address = (socket.AF_UNIX, str(path))
    assert http(address).status == 202
    assert http(address, headers={'X-Real': '192.0.2.7'}).status == 201
