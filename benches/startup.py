"""Time until applications with a slow import serve, for several unitd builds in turn.

usage: startup.py [--processes N] [--import S] [--rounds N] NAME=UNITD,MODULES ...

static: from the PUT of a configuration with `processes: N` until all of them run.
demand: from N concurrent requests of one second each, with no process running and up to N allowed,
until the last one is answered.
The import sleeps, so that the number of CPUs does not matter. Ratios are to the first server named.
"""

import argparse
import statistics
import threading
import time

import compare
from compare import daemon


def application(seconds, processes):
    return {'type': 'python', 'path': str(daemon.APPS), 'module': 'import_time',
            'environment': {'IMPORT': str(seconds)}, 'processes': processes}


class Server(compare.Server):
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
        self.note(scenario, getattr(self, scenario)(*arguments))
        self.configure({'listeners': {}, 'applications': {}})
        daemon.wait_for(lambda: not self.pids('"app"'), 60, 'the end of the application')


def summary(results):
    taken = statistics.median(results)
    return f'{taken:>14.2f} s', taken


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--processes', type=int, default=32)
    options.add_argument('--import', dest='seconds', type=float, default=1)
    options.add_argument('--rounds', type=int, default=1)
    options.add_argument('servers', nargs='+')
    options = options.parse_args()
    with compare.started(Server, options.servers) as servers:
        compare.table(servers, ('static', 'demand'), options.rounds,
                      lambda server, scenario: server.run(scenario, options.seconds, options.processes), summary, 24)


if __name__ == '__main__':
    main()
