"""Accepts a WebSocket and sends back what comes."""


async def application(scope, receive, send):
    assert scope['type'] == 'websocket'
    while True:
        event = await receive()
        if event['type'] == 'websocket.connect':
            await send({'type': 'websocket.accept'})
        elif event['type'] == 'websocket.receive':
            await send({'type': 'websocket.send', 'text': event['text']})
        else:
            return
