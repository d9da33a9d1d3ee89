"""Leaves a process behind that nobody waits for; `/slow` takes a second."""

import subprocess
import time


def application(environ, start_response):
    if environ['PATH_INFO'] == '/slow':
        time.sleep(1)
    else:
        subprocess.run(['/bin/sh', '-c', 'sleep 3 >&- 2>&- &'], check=True)
    start_response('200 OK', [('Content-Length', '0')])
    return []
