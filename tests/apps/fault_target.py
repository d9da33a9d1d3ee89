"""The same application as `wsgi` and as `asgi`: short, long and slow answers, uploads, WebSocket.

Every answer can be checked by the client: `/` repeats the query, `/large` and `/stream` (without
Content-Length) send as many MiB as the query says, `/upload` answers with the digest of the body,
`/slow` takes as many seconds as the query says. The header X-Variant is what the configuration
says."""

import hashlib
import os
import time

import websocket_echo

MEBIBYTE = bytes(range(256)) * 4096
IMPORT = float(os.environ.get('IMPORT', 0))
VARIANT = os.environ.get('VARIANT', 'none')

time.sleep(IMPORT)


def answer(path, query, body):
    """Length of the answer, or None for a stream, and its blocks."""
    if path in ('/large', '/stream'):
        count = int(query)
        return None if path == '/stream' else count * len(MEBIBYTE), (MEBIBYTE for _ in range(count))
    if path == '/slow':
        time.sleep(float(query))
    text = hashlib.sha256(body).hexdigest() if path == '/upload' else query * 20
    return len(text), [text.encode()]


def fields(length):
    return [('X-Variant', VARIANT)] + ([] if length is None else [('Content-Length', str(length))])


def wsgi(environ, start_response):
    length, blocks = answer(environ['PATH_INFO'], environ['QUERY_STRING'], environ['wsgi.input'].read())
    start_response('200 OK', fields(length))
    return blocks


async def asgi(scope, receive, send):
    if scope['type'] == 'websocket':
        return await websocket_echo.application(scope, receive, send)
    body, more = b'', True
    while more:
        message = await receive()
        body += message.get('body', b'')
        more = message.get('more_body', False)
    length, blocks = answer(scope['path'], scope['query_string'].decode(), body)
    headers = [(name.encode(), value.encode()) for name, value in fields(length)]
    await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
    for block in blocks:
        await send({'type': 'http.response.body', 'body': block, 'more_body': True})
    await send({'type': 'http.response.body', 'body': b''})
