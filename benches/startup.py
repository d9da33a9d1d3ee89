"""Time until applications with a slow import serve, for several unitd builds in turn.

usage: startup.py [--processes N] [--import S] [--rounds N] NAME=UNITD,MODULES ...

static: from the PUT of a configuration with `processes: N` until all of them run.
demand: from N concurrent requests of one second each, with no process running and up to N allowed,
until the last one is answered.
The import sleeps, so that the number of CPUs does not matter. Ratios are to the first server named.
"""

import argparse
import pathlib
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'tests'))

import daemon  # noqa: E402


def application(seconds, processes):
    return {'type': 'python', 'path': str(daemon.APPS), 'module': 'import_time',
            'environment': {'IMPORT': str(seconds)}, 'processes': processes}


class Server(daemon.Daemon):
    """A daemon of the given build."""

    def __init__(self, name, unitd, modules):
        self.name, self.results = name, {'static': [], 'demand': []}
        super().__init__(['--modulesdir', modules], binary=unitd)

    def control(self, method, path, body=b''):
        body = body if isinstance(body, bytes) else daemon.json.dumps(body).encode()
        return daemon.http((daemon.socket.AF_UNIX, str(self.socket)), method, path, body=body, timeout=600)

    def static(self, seconds, number):
        start = time.monotonic()
        self.serve({'app': application(seconds, number)})
        daemon.wait_for(lambda: len(self.pids('"app" application')) == number, 600, 'all processes')
        assert self.get(timeout=600).status == 200
        return time.monotonic() - start

    def demand(self, seconds, number):
        self.serve({'app': application(seconds, {'max': number, 'spare': 0})})
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.get('/?1', timeout=600).status))
                   for _ in range(number)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [200] * number, answers
        return time.monotonic() - start

    def run(self, scenario, *arguments):
        self.results[scenario].append(getattr(self, scenario)(*arguments))
        self.configure({'listeners': {}, 'applications': {}})
        daemon.wait_for(lambda: not self.pids('"app"'), 60, 'the end of the application')


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--processes', type=int, default=32)
    options.add_argument('--import', dest='seconds', type=float, default=1)
    options.add_argument('--rounds', type=int, default=1)
    options.add_argument('servers', nargs='+')
    options = options.parse_args()
    servers = []
    try:
        for text in options.servers:
            name, build = text.split('=', 1)
            servers.append(Server(name, *build.split(',')))
        print(f'{"scenario":12}' + ''.join(f'{s.name:>24}' for s in servers))
        for scenario in ('static', 'demand'):
            for _ in range(options.rounds):
                for server in servers:
                    server.run(scenario, options.seconds, options.processes)
            line, first = f'{scenario:12}', None
            for server in servers:
                taken = statistics.median(server.results[scenario])
                first = first or taken
                line += f'{taken:>14.2f} s {taken / first:6.2f}x'
            print(line, flush=True)
    finally:
        for server in servers:
            server.remove()


if __name__ == '__main__':
    main()
