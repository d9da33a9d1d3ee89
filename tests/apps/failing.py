"""Raises before its answer, or in the middle of it."""


def application(environ, start_response):
    if environ['PATH_INFO'] == '/before':
        raise ValueError('before the answer')
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return late(environ)


def late(environ):
    yield b'first part'
    if environ['PATH_INFO'] == '/during':
        raise ValueError('during the answer')
