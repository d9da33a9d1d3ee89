"""Limits of the router and of applications: descriptors, core files, priority, CPUs."""

import contextlib
import os
import pathlib
import re
import resource

import pytest

from daemon import wait_for

CAPABILITIES = int(re.search('CapEff:\\s*(\\w+)', pathlib.Path('/proc/self/status').read_text())[1], 16)
# What it takes to raise hard limits, of processes of other users too; and to improve priorities.
SYS_NICE, SYS_RESOURCE = CAPABILITIES >> 23 & 1, CAPABILITIES >> 24 & 1
CPUS = sorted(os.sched_getaffinity(0))


def limit(pid, name):
    """The soft and the hard limit of a process."""
    for line in pathlib.Path(f'/proc/{pid}/limits').read_text().splitlines():
        if line.startswith(name):
            return tuple(v if v == 'unlimited' else int(v) for v in line[len(name):].split()[:2])
    raise KeyError(name)


def threads(pid):
    return sorted(int(t) for t in os.listdir(f'/proc/{pid}/task'))


def nice(pid):
    """The nice values of all threads."""
    found = set()
    for thread in threads(pid):
        # It may end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            line = pathlib.Path(f'/proc/{pid}/task/{thread}/stat').read_text()
            found.add(int(line[line.rindex(')') + 2:].split()[16]))
    return found


def settle(unit, number):
    """Waits until the router has no threads but so many that serve, and its first; those that were
    told to leave end a moment later."""
    wait_for(lambda: len(threads(unit.pid('unit: router'))) == number + 1, what=f'{number} threads')


def cpus(pid, thread=None):
    return sorted(os.sched_getaffinity(thread or pid))


FILES, CORE = 'Max open files', 'Max core file size'


def router_limits(unit):
    pid = unit.pid('unit: router')
    return limit(pid, FILES), limit(pid, CORE), nice(pid), [cpus(pid, t) for t in threads(pid)]


def test_router_limits_come_and_go(unit):
    unit.configure({'listeners': {f'127.0.0.1:{unit.port}': {'pass': 'routes'}},
                    'routes': [{'action': {'return': 200}}], 'settings': {'listen_threads': 3}})
    settle(unit, 3)
    before = router_limits(unit)
    unit.configure({'rlimit_nofile': 777, 'rlimit_core': 4096, 'priority': 7}, '/config/settings/router')
    files, core, priority, _ = router_limits(unit)
    assert (files[0], core[0], priority) == (777, 4096, {7})
    assert unit.get().status == 200
    unit.configure(555, '/config/settings/router/rlimit_nofile')
    assert router_limits(unit)[0][0] == 555
    if not SYS_NICE:
        # What needs a privilege to be taken back is refused, and says why.
        a = unit.control('DELETE', '/config/settings/router')
        assert a.status == 500 and 'setpriority' in a.json()['detail']
        return
    assert unit.control('DELETE', '/config/settings/router').status == 200
    assert router_limits(unit) == before
    assert unit.get().status == 200


def test_main_raises_what_the_router_may_not(unit):
    if not SYS_RESOURCE:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        a = unit.control('PUT', '/config/settings', {'router': {'rlimit_nofile': hard + 1}})
        assert a.status == 500
        assert f'setrlimit(RLIMIT_NOFILE, {hard + 1}) failed (1: Operation not permitted)' in a.json()['detail']
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    more = hard + 100
    unit.configure({'router': {'rlimit_nofile': more, 'priority': -5}}, '/config/settings')
    files, _, priority, _ = router_limits(unit)
    assert files == (more, more) and priority == {-5}


def test_priority_of_all_threads(unit):
    if not SYS_NICE:
        pytest.skip('needs CAP_SYS_NICE')
    unit.configure({'router': {'priority': -6}, 'listen_threads': 4}, '/config/settings')
    settle(unit, 4)
    assert router_limits(unit)[2] == {-6}
    unit.configure({'router': {'priority': -6}, 'listen_threads': 6}, '/config/settings')
    settle(unit, 6)
    assert router_limits(unit)[2] == {-6}
    # A router that is started anew has them too.
    old = unit.pid('unit: router')
    os.kill(old, 9)
    wait_for(lambda: unit.pid('unit: router') != old, what='a new router')
    wait_for(lambda: router_limits(unit)[2] == {-6}, what='the priority of the new router')


def test_what_cannot_be_set_is_refused_with_its_reason(unit):
    unit.configure({'router': {'rlimit_nofile': 600}}, '/config/settings')
    # More than the kernel allows to anybody (fs.nr_open).
    a = unit.control('PUT', '/config/settings/router', {'rlimit_nofile': 2147483647})
    assert a.status == 500 and a.json()['error'] == 'Failed to apply new configuration.'
    assert 'setrlimit(RLIMIT_NOFILE, 2147483647) failed' in a.json()['detail']
    unused = next(c for c in range(1023, 0, -1) if c not in CPUS)
    a = unit.control('PUT', '/config/settings/router', {'cpu_affinity': unused, 'rlimit_nofile': 500})
    assert a.status == 500 and f'CPU {unused} is not among' in a.json()['detail']
    # What was before is still in force, and in the document.
    assert router_limits(unit)[0][0] == 600
    assert unit.control('GET', '/config/settings/router').json() == {'rlimit_nofile': 600}


@pytest.mark.parametrize('router, detail', [
    ({'rlimit_nofile': 1}, '"rlimit_nofile" number must be in the range from 64'),
    ({'priority': 20}, '"priority" number must be in the range from -20 to 19'),
    ({'cpu_affinity': 'all'}, '"cpu_affinity" value must be'),
    ({'timeout': 1}, 'Unknown parameter "timeout"'),
])
def test_invalid_values_are_refused(unit, router, detail):
    a = unit.control('PUT', '/config/settings', {'router': router})
    assert a.status == 400 and detail in a.json()['detail']


def test_router_threads_have_their_cpus(unit):
    def affinity():
        pid = unit.pid('unit: router')
        return sorted(cpus(pid, t) for t in threads(pid) if t != pid), cpus(pid)

    unit.configure({'listen_threads': 4, 'router': {'cpu_affinity': 'auto'}}, '/config/settings')
    settle(unit, 4)
    spread = sorted([CPUS[i % len(CPUS)]] for i in range(4))
    assert affinity() == (spread, CPUS)
    one = [CPUS[-1]]
    unit.configure(f'{CPUS[-1]}', '/config/settings/router/cpu_affinity')
    assert affinity() == ([one] * 4, one)
    unit.configure({'listen_threads': 5}, '/config/settings')
    settle(unit, 5)
    assert affinity() == ([CPUS] * 5, CPUS)


def test_application_limits(unit, python):
    wanted = {'rlimit_nofile': 300, 'rlimit_core': 0, 'priority': 3, 'requests': 1000}
    unit.serve({'pid': python('pid', limits=wanted, processes=2)})
    for who in ('prototype', 'application'):
        for pid in unit.pids(f'"pid" {who}'):
            assert limit(pid, FILES) == (300, 300), who
            assert limit(pid, CORE) == (0, 0)
            assert nice(pid) == {3}
    assert nice(unit.pid('unit: router')) == {os.getpriority(os.PRIO_PROCESS, 0)}
    before = limit(unit.process.pid, FILES)
    unit.configure({'requests': 1000}, '/config/applications/pid/limits')
    pid = int(unit.get().text)
    assert limit(pid, FILES) == before and nice(pid) == {os.getpriority(os.PRIO_PROCESS, 0)}


def test_application_priority_that_needs_a_privilege(unit, python):
    if not SYS_NICE:
        a = unit.control('PUT', '/config/applications', {'pid': python('pid', limits={'priority': -5})})
        assert a.status == 500
        unit.wait_log('setpriority(-5) failed')
        return
    unit.serve({'pid': python('pid', limits={'priority': -5})})
    assert nice(int(unit.get().text)) == {-5}


def test_application_cpus(unit, python):
    unit.serve({'pid': python('pid', limits={'cpu_affinity': 'auto'}, processes=3)})
    pids = unit.pids('"pid" application')
    assert sorted(cpus(p) for p in pids) == sorted([CPUS[i % len(CPUS)]] for i in range(3))
    # The place of a process that died is given to the next one.
    victim = pids[0]
    place = cpus(victim)
    os.kill(victim, 9)
    wait_for(lambda: victim not in unit.pids('"pid" application')
             and len(unit.pids('"pid" application')) == 3, what='a new process')
    wait_for(lambda: sorted(cpus(p) for p in unit.pids('"pid" application'))
             == sorted([CPUS[i % len(CPUS)]] for i in range(3)), what=f'the place {place} to be taken')
    unit.configure([CPUS[0]], '/config/applications/pid/limits/cpu_affinity')
    assert cpus(int(unit.get().text)) == [CPUS[0]]
    unit.configure({}, '/config/applications/pid/limits')
    assert cpus(int(unit.get().text)) == CPUS


def test_application_limit_that_cannot_be_set(unit, python):
    unused = next(c for c in range(1023, 0, -1) if c not in CPUS)
    for limits, text in (({'rlimit_nofile': 2147483647}, 'setrlimit(RLIMIT_NOFILE, 2147483647) failed'),
                         ({'cpu_affinity': unused}, f'CPU {unused} is not among')):
        a = unit.control('PUT', '/config/applications', {'pid': python('pid', limits=limits)})
        assert a.status == 500 and f'limits of the application: {text}' in a.json()['detail'], a.text
        unit.wait_log(f'limits of the application: {text}')
    wait_for(lambda: not unit.pids('"pid"'), what='no process left')
