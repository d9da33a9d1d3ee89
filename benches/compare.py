"""Builds of unitd beside each other: every scenario on each of them in turn, then a line of the table."""

import contextlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'tests'))

import daemon  # noqa: E402


class Server(daemon.Daemon):
    """A daemon of the build NAME=UNITD,MODULES."""

    def __init__(self, build):
        self.name, paths = build.split('=', 1)
        unitd, modules = paths.split(',')
        self.results = {}
        super().__init__(['--modulesdir', modules], binary=unitd)

    def note(self, scenario, result):
        self.results.setdefault(scenario, []).append(result)


@contextlib.contextmanager
def started(server, builds):
    """Servers of the class, one a build."""
    with contextlib.ExitStack() as stack:
        servers = []
        for build in builds:
            servers.append(server(build))
            stack.callback(servers[-1].remove)
        yield servers


def table(servers, scenarios, rounds, run, summary, width):
    """Runs the scenarios and prints a line each; the summary of the results of one server is a text
    and the number whose ratio to that of the first server is shown."""
    print(f'{"scenario":12}' + ''.join(f'{server.name:>{width}}' for server in servers))
    for scenario in scenarios:
        for _ in range(rounds):
            for server in servers:
                run(server, scenario)
        line, first = f'{scenario:12}', None
        for server in servers:
            text, number = summary(server.results[scenario])
            first = first or number
            line += f'{text} {number / first:6.2f}x'
        print(line, flush=True)
