"""An application whose import takes a while, as that of a large framework."""

import os
import time

time.sleep(float(os.environ.get('IMPORT', '1')))


def application(environ, start_response):
    time.sleep(float(environ['QUERY_STRING'] or 0))
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [str(os.getpid()).encode()]
