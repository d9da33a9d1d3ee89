"""Answers with the process id; `/slow` takes a second first, `/exit` ends the process at once."""

import os
import time


def application(environ, start_response):
    if environ['PATH_INFO'] == '/slow':
        time.sleep(1)
    if environ['PATH_INFO'] == '/exit':
        os._exit(3)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [str(os.getpid()).encode()]
