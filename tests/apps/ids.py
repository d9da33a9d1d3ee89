"""Answers with what the process is: ids at `/`, `/env`, `/cwd`."""

import json
import os


def application(environ, start_response):
    what = {
        '/': lambda: {'uid': os.getuid(), 'gid': os.getgid(), 'groups': os.getgroups()},
        '/env': lambda: dict(os.environ),
        '/cwd': os.getcwd,
    }[environ['PATH_INFO']]()
    body = json.dumps(what).encode()
    start_response('200 OK', [('Content-Type', 'application/json'), ('Content-Length', str(len(body)))])
    return [body]
