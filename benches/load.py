"""Load several unitd builds in turn with wrk: requests per second and CPU time per request.

usage: load.py [--seconds S] [--rounds N] [--only a,b] NAME=UNITD,MODULES ...

Every scenario runs on each server in turn, round after round, so that a drift of the machine hits
all of them alike. CPU is user and system time of the whole process tree; ratios are to the first
server named. Timings of one run are comparable only with each other.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys

import compare
from compare import daemon

POST = 'wrk.method = "POST"; wrk.body = string.rep("x", 65536)\n'
PYTHON = ('hello', 'echo', 'stream')
SCENARIOS = {  # name: path, extra arguments of wrk
    'return': ('/return', []),
    'static': ('/static/1k', []),
    'wsgi': ('/hello', []),
    'post-64k': ('/echo', ['-s', 'post.lua']),
    'stream-1m': ('/stream?1', []),
}


class Server(compare.Server):
    """Serves every scenario."""

    def __init__(self, build):
        super().__init__(build)
        www = self.dir / 'static'
        www.mkdir()
        (www / '1k').write_bytes(b'x' * 1024)
        self.serve(
            {m: {'type': 'python', 'path': str(daemon.APPS), 'module': m} for m in PYTHON},
            routes=[{'match': {'uri': '/return'}, 'action': {'return': 200}},
                    {'match': {'uri': '/static/*'}, 'action': {'share': f'{self.dir}$uri'}},
                    *({'match': {'uri': f'/{m}'}, 'action': {'pass': f'applications/{m}'}} for m in PYTHON)])

    def cpu(self):
        """Seconds of CPU that the process tree has used."""
        ticks = 0
        for pid in self.processes():
            fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(') ', 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf('SC_CLK_TCK')

    def load(self, scenario, seconds):
        path, extra = SCENARIOS[scenario]
        (self.dir / 'post.lua').write_text(POST)
        before = self.cpu()
        out = subprocess.run(['wrk', '-t1', '-c64', f'-d{seconds}', *extra, f'http://127.0.0.1:{self.port}{path}'],
                             cwd=self.dir, capture_output=True, text=True, check=True).stdout
        used = self.cpu() - before
        if 'Non-2xx' in out or 'Socket errors' in out:
            print(f'{self.name} {scenario}: {out}', file=sys.stderr)
        number = int(re.search(r'(\d+) requests in', out)[1])
        rate = float(re.search(r'Requests/sec:\s+([\d.]+)', out)[1])
        self.note(scenario, (rate, used / max(number, 1) * 1e6))


def summary(results):
    rate, cpu = (statistics.median(column) for column in zip(*results))
    return f'{rate:>14.0f}/s {cpu:8.2f} µs', cpu


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--seconds', type=int, default=3)
    options.add_argument('--rounds', type=int, default=3)
    options.add_argument('--only', default=','.join(SCENARIOS))
    options.add_argument('servers', nargs='+')
    options = options.parse_args()
    with compare.started(Server, options.servers) as servers:
        compare.table(servers, options.only.split(','), options.rounds,
                      lambda server, scenario: server.load(scenario, options.seconds), summary, 36)


if __name__ == '__main__':
    main()
