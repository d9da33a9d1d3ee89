"""An application that gets stuck where the path says so."""

import os
import pathlib
import signal
import time

if os.environ.get('IMPORT') == 'hang':
    time.sleep(10**6)


def application(environ, start_response):
    path = environ['PATH_INFO']
    if path == '/loop':
        while True:
            pass
    if path == '/stop':
        os.kill(os.getpid(), signal.SIGSTOP)
    if path == '/wait':
        # Until the file that the query names is there.
        while not pathlib.Path(environ['QUERY_STRING']).exists():
            time.sleep(0.01)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [str(os.getpid()).encode()]
