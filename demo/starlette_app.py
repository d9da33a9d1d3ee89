"""The Starlette half of the demo: lifespan, a form, a streamed answer, a WebSocket echo."""

import asyncio
import contextlib

from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute


@contextlib.asynccontextmanager
async def lifespan(app):
    yield {'started': True}


async def index(request):
    return JSONResponse({'path': request.url.path, 'started': request.state.started})


async def form(request):
    return JSONResponse(dict(await request.form()))


async def stream(request):
    async def lines():
        for i in range(int(request.query_params.get('n', 3))):
            yield f'line {i}\n'
            await asyncio.sleep(0.01)

    return StreamingResponse(lines(), media_type='text/plain')


async def echo(websocket):
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message['type'] == 'websocket.disconnect':
            return
        if message.get('text') is not None:
            await websocket.send_text('echo: ' + message['text'])
        else:
            await websocket.send_bytes(message['bytes'])


app = Starlette(lifespan=lifespan, routes=[
    Route('/', index),
    Route('/form', form, methods=['POST']),
    Route('/stream', stream),
    WebSocketRoute('/ws', echo),
])
