"""ASGI: ends its process without a word when its answer is as long as it said."""

import os


async def application(scope, receive, send):
    assert scope['type'] == 'http'
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'3')]})
    await send({'type': 'http.response.body', 'body': b'all', 'more_body': True})
    os._exit(3)
