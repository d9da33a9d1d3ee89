"""Streams as many MiB as the query says."""

BLOCK = b'x' * (1 << 20)


def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'application/octet-stream')])
    for _ in range(int(environ['QUERY_STRING'] or 1)):
        yield BLOCK
