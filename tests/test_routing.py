"""Routes: matching, and the actions return, share, rewrite and pass."""

import os

import pytest

from daemon import request


def routes(unit, *steps):
    """Every step answers 200 + its index; nothing matched is 404."""
    unit.serve(routes=[{'match': m, 'action': {'return': 200 + i}} for i, m in enumerate(steps)])


def test_method_host_uri(unit):
    routes(unit, {'method': ['POST', 'PUT']}, {'host': '*.example.com'}, {'uri': ['/a/*', '!/a/b']}, {'uri': '~^/\\d+$'})
    assert unit.post('/').status == 200
    assert unit.get('/', {'Host': 'www.Example.com:8080'}).status == 201
    assert unit.get('/a/c').status == 202
    assert unit.get('/a/b').status == 404
    assert unit.get('/42').status == 203
    assert unit.get('/%34%32').status == 203
    assert unit.get('/4x').status == 404


def test_headers_arguments_cookies(unit):
    routes(unit, {'headers': {'X-A': 'One'}}, {'arguments': {'q': ['a*', '!ab']}}, {'cookies': {'id': '42'}},
           {'query': 'x=y z'})
    assert unit.get('/', {'x-a': 'one'}).status == 200
    assert unit.get('/?q=abc').status == 201
    assert unit.get('/?q=ab').status == 404
    assert unit.get('/', {'Cookie': 'a=b; id=42'}).status == 202
    assert unit.get('/?x=y+z').status == 203


def test_source_destination_scheme_condition(unit):
    routes(unit, {'source': '10.0.0.0/8'}, {'destination': f'127.0.0.1:{unit.port + 1}'}, {'scheme': 'https'},
           {'if': '$arg_flag'}, {'source': '127.0.0.0-127.0.0.5'})
    assert unit.get('/').status == 204
    assert unit.get('/?flag=1').status == 203
    assert unit.get('/?flag=0').status == 204


def test_return_location(unit):
    unit.serve(routes=[{'action': {'return': 301, 'location': 'https://$host$request_uri'}}])
    a = unit.get('/a%20b?c=d', {'Host': 'x.org'})
    assert (a.status, a.reason, a.header('Location')) == (301, 'Moved Permanently', 'https://x.org/a%20b?c=d')


def test_reason_phrases_of_redirects(unit):
    for status, reason in ((307, 'Temporary Redirect'), (308, 'Permanent Redirect')):
        unit.serve(routes=[{'action': {'return': status}}])
        assert unit.get().reason == reason


def test_pass_chain_and_loop(unit):
    unit.serve(listeners={f'127.0.0.1:{unit.port}': {'pass': 'routes/$arg_to'}},
               routes={'a': [{'action': {'pass': 'routes/b'}}], 'b': [{'action': {'return': 200}}],
                       'loop': [{'action': {'pass': 'routes/loop'}}]})
    assert unit.get('/?to=a').status == 200
    assert unit.get('/?to=none').status == 404
    assert unit.get('/?to=loop').status == 500


def test_rewrite_and_response_headers(unit):
    unit.serve(routes=[{'match': {'uri': '/old/x'}, 'action': {
        'rewrite': '/new', 'return': 200, 'response_headers': {'X-Path': '$uri', 'X-Query': '$arg_q'}}}])
    a = unit.get('/old/x?q=1')
    assert (a.status, a.header('X-Path'), a.header('X-Query')) == (200, '/new', '1')


@pytest.fixture
def share(unit):
    root = unit.dir / 'www'
    (root / 'sub').mkdir(parents=True)
    (root / 'index.html').write_text('top')
    (root / 'sub/page.HTML').write_text('page')
    (root / 'plain').write_text('plain')
    (root / 'big.bin').write_bytes(bytes(range(256)) * 8000)
    (root / 'link').symlink_to('/etc/passwd')
    for path in (unit.dir, root, *root.rglob('*')):
        if not path.is_symlink():
            path.chmod(0o755)
    unit.root = root
    unit.serve(routes=[{'action': {'share': f'{root}$uri'}}])
    return unit


def test_share(share):
    a = share.get('/')
    assert (a.status, a.text, a.header('Content-Type')) == (200, 'top', 'text/html')
    assert a.header('ETag') and a.header('Last-Modified')
    assert share.get('/sub/page.HTML').header('Content-Type') == 'text/html'
    assert share.get('/plain').header('Content-Type') is None
    assert share.get('/big.bin').body == (share.root / 'big.bin').read_bytes()
    assert share.get('/none').status == 404
    a = share.get('/sub?q=1')
    assert (a.status, a.header('Location')) == (301, '/sub/?q=1')
    assert share.get('/sub/').status == 404
    assert share.post('/').status == 405


def test_share_head_and_keep_alive(share):
    with share.connect() as c:
        c.send(request('HEAD', '/big.bin', close=False) + request('GET', '/big.bin', close=False) + request('GET', '/'))
        assert c.answer('HEAD').header('Content-Length') == str(256 * 8000)
        assert len(c.answer().body) == 256 * 8000
        assert c.answer().text == 'top'


def test_share_fallback_types_symlinks_chroot(share):
    root = share.root
    share.serve(routes=[{'action': {'share': f'{root}$uri', 'types': ['text/*'], 'fallback': {'return': 299}}}])
    assert share.get('/index.html').status == 200
    assert share.get('/big.bin').status == 299
    assert share.post('/').status == 299
    share.serve(routes=[{'action': {'share': f'{root}$uri', 'follow_symlinks': False}}])
    assert share.get('/link').status == 403
    assert share.get('/plain').status == 200
    share.serve(routes=[{'action': {'share': f'{root}$uri', 'chroot': str(root)}}])
    assert share.get('/link').status in (403, 404)
    assert share.get('/plain').text == 'plain'


def test_share_list_index_mime(share):
    root = share.root
    share.serve(routes=[{'action': {'share': [f'{root}/none$uri', f'{root}$uri'], 'index': 'plain'}}],
                settings={'http': {'static': {'mime_types': {'text/x-own': ['.bin', 'plain']}}}})
    assert share.get('/').text == 'plain'
    assert share.get('/big.bin').header('Content-Type') == 'text/x-own'
    assert share.get('/plain').header('Content-Type') == 'text/x-own'


def test_fifo_is_not_waited_for(share):
    os.mkfifo(share.root / 'fifo')
    assert share.get('/fifo', timeout=10).status == 404
