"""Sleeps as many seconds as the path says."""

import time


def application(environ, start_response):
    time.sleep(float(environ['PATH_INFO'][1:] or 0))
    start_response('200 OK', [('Content-Length', '0')])
    return []
