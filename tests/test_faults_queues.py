"""A process killed between two steps of the protocol in shared memory, by its own hand, so that it is
always the same place. Others of its application serve on, and nobody waits for a wake-up that is
lost."""

import os
import shutil
import subprocess
import time

import pytest

from daemon import ROOT, wait_for


@pytest.fixture(scope='module')
def faults(tmp_path_factory):
    program = tmp_path_factory.mktemp('faults') / 'faults'
    sources = [ROOT / 'tests/hostile' / name for name in ('faults.c', 'protocol.c')]
    subprocess.run([os.environ.get('CC', 'cc'), '-O1', '-Wall', '-Wextra', '-Werror', '-o', program, *sources],
                   check=True)
    return program


@pytest.mark.parametrize('place', ['woken', 'writing'])
def test_killed_between_two_steps(unit, faults, place):
    program = shutil.copy(faults, unit.dir)
    unit.configure({
        'listeners': {f'127.0.0.1:{unit.port}': {'pass': 'applications/target'}},
        'applications': {'target': {'type': 'external', 'executable': str(program), 'arguments': [place],
                                    'processes': {'max': 2, 'spare': 2, 'idle_timeout': 600}}},
        'settings': {'listen_threads': 1},
    })
    wait_for(lambda: unit.log().count('faults: serves') == 2, what='both processes')
    statuses = []
    for _ in range(12):
        statuses.append(unit.get().status)
        # Everybody goes to sleep.
        time.sleep(0.1)
    assert 'faults: dies' in unit.log()
    # The request that it had taken is refused; one that it was woken for is another one's.
    assert statuses.count(503) == (place == 'writing') and set(statuses) <= {200, 503}, statuses
    unit.configure({'listeners': {}, 'applications': {}})
    wait_for(lambda: not unit.pids(str(program)), what='the end of its processes')
