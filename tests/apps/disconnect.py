"""ASGI: notes in a file when the client goes away."""

import os


async def application(scope, receive, send):
    assert scope['type'] == 'http'
    note = os.environ['NOTE']
    while True:
        message = await receive()
        with open(note, 'a') as f:
            f.write(message['type'] + '\n')
        if message['type'] == 'http.disconnect':
            return
