"""`/hang` never returns and no signal but SIGKILL helps; everything else is answered at once."""

import signal
import time

STUBBORN = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
for number in STUBBORN:
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, STUBBORN)


def application(environ, start_response):
    while environ['PATH_INFO'] == '/hang':
        time.sleep(1)
    start_response('200 OK', [('Content-Length', '0')])
    return []
