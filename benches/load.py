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

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'tests'))

import daemon  # noqa: E402

POST = 'wrk.method = "POST"; wrk.body = string.rep("x", 65536)\n'
PYTHON = ('hello', 'echo', 'stream')
SCENARIOS = {  # name: path, extra arguments of wrk
    'return': ('/return', []),
    'static': ('/static/1k', []),
    'wsgi': ('/hello', []),
    'post-64k': ('/echo', ['-s', 'post.lua']),
    'stream-1m': ('/stream?1', []),
}


class Server(daemon.Daemon):
    """A daemon of the given build, serving every scenario."""

    def __init__(self, name, unitd, modules):
        self.name, self.results = name, {}
        super().__init__(['--modulesdir', modules], binary=unitd)
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
        self.results.setdefault(scenario, []).append((rate, used / max(number, 1) * 1e6))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--seconds', type=int, default=3)
    options.add_argument('--rounds', type=int, default=3)
    options.add_argument('--only', default=','.join(SCENARIOS))
    options.add_argument('servers', nargs='+')
    options = options.parse_args()
    servers = []
    try:
        for text in options.servers:
            name, build = text.split('=', 1)
            servers.append(Server(name, *build.split(',')))
        print(f'{"scenario":12}' + ''.join(f'{s.name:>36}' for s in servers))
        for scenario in options.only.split(','):
            for _ in range(options.rounds):
                for server in servers:
                    server.load(scenario, options.seconds)
            line, first = f'{scenario:12}', None
            for server in servers:
                rate, cpu = (statistics.median(column) for column in zip(*server.results[scenario]))
                first = first or cpu
                line += f'{rate:>14.0f}/s {cpu:8.2f} µs {cpu / first:6.2f}x'
            print(line, flush=True)
    finally:
        for server in servers:
            server.remove()


if __name__ == '__main__':
    main()
