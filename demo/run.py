"""Serves the demo with the built unitd, shows each request and its answer, checks them.

usage: run.py --build BUILD --venv VENV [--keep]
"""

import argparse
import json
import pathlib
import signal
import sys

DEMO = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(DEMO.parent / 'tests'))

import daemon  # noqa: E402
import websocket  # noqa: E402

FORM = {'Content-Type': 'application/x-www-form-urlencoded'}
WIDTH = 100


def show(request, answer):
    lines = answer.text.strip().splitlines() or ['(no body)']
    print(f'\n> {request}\n< {answer.status} {answer.reason}'
          f'  {answer.header("Content-Type", "")}  {len(answer.body)} bytes')
    for line in lines[:6]:
        print('  ' + line[:WIDTH])
    if len(lines) > 6:
        print(f'  ... {len(lines) - 6} more lines')


class Checks:
    """Makes the requests, counts what is not as it should be."""

    def __init__(self, unit):
        self.unit, self.failed, self.number = unit, 0, 0

    def check(self, what, good):
        self.number += 1
        if not good:
            self.failed += 1
            print(f'  NOT AS EXPECTED: {what}')

    def request(self, method, path, expect, status=200, body=b'', headers=()):
        answer = daemon.http(self.unit.address, method, path, headers, body)
        show(f'{method} {path} {body.decode()}'.rstrip(), answer)
        self.check(f'status {status}, {expect!r}', answer.status == status and expect in answer.text)

    def websocket(self, path, texts):
        ws = websocket.create_connection(f'ws://127.0.0.1:{self.unit.port}{path}', timeout=10)
        print(f'\n> WebSocket {path}')
        for text in texts:
            ws.send(text)
            answer = ws.recv()
            print(f'> {text}\n< {answer}')
            self.check(f'echo of {text!r}', answer == 'echo: ' + text)
        ws.close()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--build', required=True)
    options.add_argument('--venv', required=True, type=pathlib.Path)
    options.add_argument('--keep', action='store_true')
    options = options.parse_args()

    daemon.BUILD = pathlib.Path(options.build).resolve()
    unit = daemon.Daemon()
    try:
        config = json.loads((DEMO / 'config.json').read_text().replace('@DEMO@', str(DEMO))
                            .replace('@VENV@', str(options.venv.resolve())).replace('@PORT@', str(unit.port)))
        print(f'unitd runs as process {unit.process.pid}; its control socket is {unit.socket}')
        answer = unit.control('PUT', '/config', config)
        show('PUT /config < demo/config.json', answer)
        if answer.status != 200:
            print(unit.log())
            return 1

        checks = Checks(unit)
        checks.request('GET', '/flask/?name=Ada', '<h1>Hello, Ada!</h1>')
        checks.request('POST', '/flask/form', '"comment":"it works"', body=b'comment=it+works&times=3', headers=FORM)
        checks.request('GET', '/starlette/', '"started":true')
        checks.request('POST', '/starlette/form', '{"a":"1","b":"2"}', body=b'a=1&b=2', headers=FORM)
        checks.request('GET', '/starlette/stream?n=4', 'line 3')
        checks.websocket('/starlette/ws', ['hello', 'a second message'])
        checks.request('GET', '/static/style.css', 'font-family')
        checks.request('GET', '/', '', status=302)
        checks.request('GET', '/nowhere', 'Error 404', status=404)
        status = unit.control('GET', '/status')
        show('GET /status (control socket)', status)
        checks.check('both applications run', all(
            a['processes']['running'] > 0 for a in status.json()['applications'].values()))

        print(f'\n{checks.number - checks.failed} of {checks.number} checks as expected.')
        if checks.failed:
            print(unit.log())
            return 1
        if options.keep:
            print(f'Listening on http://127.0.0.1:{unit.port}/ until you press Ctrl-C. Control API, e.g.:\n'
                  f'  curl --unix-socket {unit.socket} http://localhost/config/')
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
            try:
                unit.process.wait()
            except (KeyboardInterrupt, SystemExit):
                pass
        else:
            print('To keep it running and try it yourself: make demo KEEP=1')
        return 0
    finally:
        unit.remove()


if __name__ == '__main__':
    sys.exit(main())
