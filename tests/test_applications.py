"""The life of application processes: start, replacement, time limits, end."""

import grp
import os
import pathlib
import pwd
import re
import signal
import threading
import time

import pytest

from daemon import exists, title, wait_for, wait_for_end


class Load:
    """Clients that ask for `path` without a pause until the block ends."""

    def __init__(self, unit, path='/', clients=4):
        self.unit, self.path = unit, path
        self.answers, self.errors = [], []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def run(self):
        while not self.over.is_set():
            try:
                self.answers.append(self.unit.get(self.path))
            except (OSError, EOFError) as error:
                self.errors.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def lost(self):
        """Requests that were not answered as they should."""
        return self.errors + [a.status for a in self.answers if a.status != 200]


def together(function, number):
    """Calls the function in so many threads; the results."""
    results = []
    threads = [threading.Thread(target=lambda: results.append(function())) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def applications(unit, name):
    return unit.pids(f'"{name}" application')


def running(unit, name):
    return unit.control('GET', f'/status/applications/{name}').json()['processes']


# Start.

def test_processes_start_at_the_same_time(unit, python):
    start = time.monotonic()
    unit.serve({'slow': python('import_time', processes=32)})
    assert time.monotonic() - start < 28, 'one after the other takes 32 s at least'
    assert len(applications(unit, 'slow')) == 32
    assert running(unit, 'slow') == {'running': 32, 'starting': 0, 'idle': 32}


def test_processes_on_demand_start_at_the_same_time(unit, python):
    unit.serve({'slow': python('import_time', processes={'max': 16, 'spare': 0})})
    answers = together(lambda: unit.get('/?1'), 16)
    assert [a.status for a in answers] == [200] * 16
    # Started one after the other, the first ones would have served half of them before the others
    # are ready.
    assert len({a.text for a in answers}) >= 9
    assert len(applications(unit, 'slow')) <= 16


def test_applications_start_at_the_same_time(unit, python):
    start = time.monotonic()
    unit.serve({f'slow{i}': python('import_time', environment={'IMPORT': '2'}) for i in range(8)})
    assert time.monotonic() - start < 14, 'one after the other takes 16 s at least'


def test_one_failed_start_refuses_the_configuration(unit, python):
    a = unit.control('PUT', '/config', {'listeners': {}, 'applications': {
        'broken': python('broken_import', processes=8), 'slow': python('import_time', processes=4)}})
    assert a.status == 500
    wait_for(lambda: not unit.pids('application') and not unit.pids('prototype'), what='no process left')


def test_failing_processes_fail_what_waits(unit, python):
    unit.serve({'broken': python('broken_import', processes={'max': 8, 'spare': 0})})
    answers = together(lambda: unit.get(), 8)
    assert [a.status for a in answers] == [503] * 8


def test_missing_folder_is_tried_once_for_all_that_wait(unit, python):
    unit.serve({'a': python('pid', processes={'max': 8, 'spare': 0}, working_directory='/no/such/folder')})
    answers = together(lambda: unit.get(), 8)
    assert [a.status for a in answers] == [503] * 8
    unit.wait_log('chdir(/no/such/folder) failed (2: No such file or directory)')
    unit.wait_log('failed to start prototype "a"')


def test_process_that_does_not_become_ready_is_killed(unit, python):
    a = unit.control('PUT', '/config', {'listeners': {}, 'applications': {
        'stuck': python('hanging', environment={'IMPORT': 'hang'}, limits={'start_timeout': 1})}})
    assert a.status == 500
    unit.wait_log('s ago and is not ready: sending SIGKILL')
    wait_for(lambda: not unit.pids('stuck'), what='no process left')


# Time limits.

def test_time_in_the_queue_is_limited(unit, python):
    unit.serve({'slow': python('import_time', processes={'max': 1, 'spare': 0},
                               environment={'IMPORT': '6'}, limits={'timeout': 1})})
    start = time.monotonic()
    assert unit.get().status == 503
    assert 0.8 < time.monotonic() - start < 5
    wait_for(lambda: unit.get().status == 200, what='the process to be ready')


@pytest.mark.parametrize('how', ['loop', 'stop'])
def test_hung_process_is_killed_and_replaced(unit, python, how):
    unit.serve({'stuck': python('hanging', limits={'timeout': 1, 'kill_timeout': 6})})
    before = int(unit.get().text)
    assert unit.get(f'/{how}').status == 503
    start = time.monotonic()
    # It may take longer to start than a request may wait.
    after = wait_for(lambda: (a := unit.get()).status == 200 and a, what='the replacement')
    assert int(after.text) != before and time.monotonic() - start < 5.5, 'it does not wait for the end'
    assert not wait_for_end([before])
    unit.wait_log(f'app process {before} exited on signal 9')
    assert re.search(rf'process {before} has been told to quit [345] s ago and has not: sending SIGTERM', unit.log())
    wait_for(lambda: applications(unit, 'stuck') == [int(after.text)], what='one process')


def test_hung_process_stays_without_the_option(unit, python):
    unit.serve({'stuck': python('hanging', processes=2, limits={'timeout': 1})})
    before = sorted(applications(unit, 'stuck'))
    assert unit.get('/loop').status == 503
    time.sleep(2)
    assert sorted(applications(unit, 'stuck')) == before
    for pid in before:
        os.kill(pid, signal.SIGKILL)


def test_kill_timeout_spares_what_ends_in_time(unit, python):
    note = unit.tmp / 'note'
    unit.serve({'stuck': python('hanging', threads=2, limits={'timeout': 4, 'kill_timeout': 6})})
    before = int(unit.get().text)
    other = []
    thread = threading.Thread(target=lambda: other.append(unit.get('/loop')))
    thread.start()
    time.sleep(3)
    good = threading.Thread(target=lambda: other.append(unit.get(f'/wait?{note}')))
    good.start()
    thread.join()
    assert other[0].status == 503
    note.touch()
    good.join()
    assert other[1].status == 200
    assert not wait_for_end([before])


@pytest.mark.parametrize('how', ['loop', 'stop'])
def test_stuck_process_of_a_removed_application_is_killed(unit, python, how):
    unit.serve({'stuck': python('hanging', limits={'kill_timeout': 1})})
    pid = int(unit.get().text)
    with unit.connect() as c:
        c.send(f'GET /{how} HTTP/1.1\r\nHost: a\r\n\r\n'.encode())
        time.sleep(0.5)
    unit.configure({'listeners': {}, 'applications': {}})
    assert not wait_for_end([pid])
    wait_for(lambda: not unit.pids('prototype'), what='the end of the prototype')


def test_removed_application_that_still_starts_is_ended(unit, python):
    unit.serve({'stuck': python('hanging', environment={'IMPORT': 'hang'}, processes={'max': 1, 'spare': 0},
                                limits={'timeout': 1, 'kill_timeout': 1})})
    assert unit.get().status == 503
    assert applications(unit, 'stuck')
    unit.configure({'listeners': {}, 'applications': {}})
    wait_for(lambda: not unit.pids('stuck'), what='the end of the stuck process')


# Replacement under load.

def test_request_limit_loses_nothing(unit, python):
    unit.serve({'pid': python('pid', processes=2, limits={'requests': 20})})
    with Load(unit) as load:
        wait_for(lambda: len(load.answers) > 600, 90, '600 answers')
    assert not load.lost()
    seen = [a.text for a in load.answers]
    assert len(set(seen)) > 20 and max(seen.count(p) for p in set(seen)) <= 20
    wait_for(lambda: len(applications(unit, 'pid')) == 2, what='two processes')


def test_successor_is_ready_when_the_limit_is_reached(unit, python):
    unit.serve({'slow': python('import_time', limits={'requests': 64}, environment={'IMPORT': '3'})})
    first, longest = unit.get().text, 0
    for served in range(1, 90):
        if served == 60:
            # With the sixtieth request a successor was started.
            wait_for(lambda: len(applications(unit, 'slow')) == 2, what='two processes')
            wait_for(lambda: running(unit, 'slow')['starting'] == 0, what='the successor')
        start = time.monotonic()
        assert unit.get().status == 200
        longest = max(longest, time.monotonic() - start)
    assert longest < 2.5, 'nobody waits for an import'
    # It has its 64 requests before long.
    wait_for(lambda: unit.get().text != first and not exists(int(first)), what='the end of the first process')


def test_restart_loses_nothing(unit, python):
    unit.serve({'pid': python('pid', processes=2)})
    with Load(unit) as load:
        for _ in range(5):
            before = len(load.answers)
            assert unit.control('GET', '/control/applications/pid/restart').status == 200
            wait_for(lambda: len(load.answers) > before + 100, 60, '100 answers')
    assert not load.lost()
    assert len({a.text for a in load.answers}) >= 8
    wait_for(lambda: len(unit.pids('"pid"')) == 3, what='old processes to end')


def test_idle_reaping_loses_nothing(unit, python):
    unit.serve({'pid': python('pid', processes={'max': 4, 'spare': 0, 'idle_timeout': 0})})
    with Load(unit, clients=2) as load:
        wait_for(lambda: len(load.answers) > 30, 60, '30 answers')
    assert not load.lost()


# What processes start with.

def as_root():
    if os.geteuid() != 0:
        pytest.skip('needs root')


def test_supplementary_groups(unit, python):
    as_root()
    user = pwd.getpwnam('nobody')
    expected = {str(g) for g in os.getgrouplist('nobody', grp.getgrnam('daemon').gr_gid)}
    unit.serve({'pid': python('pid', user='nobody', group='daemon')})
    for pid in unit.pids('"pid"'):
        status = dict(line.split(':', 1) for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines())
        assert set(status['Uid'].split()) == {str(user.pw_uid)}, title(pid)
        assert set(status['Gid'].split()) == {str(grp.getgrnam('daemon').gr_gid)}
        assert set(status['Groups'].split()) == expected


@pytest.mark.parametrize('option,reason', [
    ({'user': 'no-such-user'}, 'getpwnam("no-such-user") failed, user "no-such-user" not found'),
    ({'group': 'no-such-group'}, 'getgrnam("no-such-group") failed, group "no-such-group" not found'),
    ({'working_directory': '/no/such/folder'}, 'chdir(/no/such/folder) failed (2: No such file or directory)')])
def test_what_cannot_be_set_is_named(unit, python, option, reason):
    if 'working_directory' not in option:
        as_root()
    a = unit.control('PUT', '/config', {'listeners': {}, 'applications': {'a': python('pid', **option)}})
    assert a.status == 500
    unit.wait_log(reason)
