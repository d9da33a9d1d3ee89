"""Takes long to be there."""

import time

time.sleep(600)


def application(environ, start_response):
    start_response('200 OK', [('Content-Length', '0')])
    return []
