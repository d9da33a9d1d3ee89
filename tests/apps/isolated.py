"""What an application sees of itself and of its surroundings."""

import json
import os
import socket
from urllib.parse import parse_qs


def application(environ, start_response):
    query = parse_qs(environ.get('QUERY_STRING', ''))
    try:
        with open('/proc/self/mountinfo') as f:
            mounts = [line.split()[4] for line in f]
    except OSError:
        mounts = None
    seen = {
        'pid': os.getpid(),
        'ppid': os.getppid(),
        'uid': os.getresuid(),
        'gid': os.getresgid(),
        'groups': sorted(os.getgroups()),
        'cwd': os.getcwd(),
        'root': sorted(os.listdir('/')),
        'hostname': socket.gethostname(),
        'interfaces': [name for _, name in socket.if_nameindex()],
        'mounts': mounts,
        'exists': {path: os.path.exists(path) for path in query.get('path', [])},
        'environment': os.environ.get('ISOLATED'),
    }
    body = json.dumps(seen).encode()
    start_response('200 OK', [('Content-Length', str(len(body)))])
    return [body]
