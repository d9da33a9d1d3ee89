"""Application processes, and what happens when a process of the daemon dies."""

import contextlib
import os
import signal
import socket
import threading
import time

import pytest

from daemon import descriptors, exists, http, request, wait_for, wait_for_end


def running(unit, name):
    return unit.control('GET', f'/status/applications/{name}/processes').json()


def test_titles(unit, python):
    unit.serve({'hello': python('hello')})
    unit.get()
    titles = sorted(unit.processes().values())
    assert [t for t in titles if t.startswith('unit: main v1.35.0 [')]
    for t in ('unit: controller', 'unit: router', 'unit: "hello" prototype', 'unit: "hello" application'):
        assert t in titles, titles
    assert not [t for t in titles if 'discovery' in t]


def test_number_of_processes(unit, python):
    unit.serve({'pid': python('pid', processes=3)})
    assert len(unit.pids('"pid" application')) == 3
    assert running(unit, 'pid') == {'running': 3, 'starting': 0, 'idle': 3}
    unit.configure(1, '/config/applications/pid/processes')
    wait_for(lambda: len(unit.pids('"pid" application')) == 1, what='one process')


def test_processes_on_demand(unit, python):
    unit.serve({'pid': python('pid', processes={'max': 2, 'spare': 0, 'idle_timeout': 3})})
    assert not unit.pids('"pid" application')
    first = unit.get().text
    assert unit.pids('"pid" application') == [int(first)]
    unit.wait_log('"pid" application started')
    wait_for(lambda: not unit.pids('"pid" application'), what='the end of the idle process')
    assert unit.get().text != first


def test_spare_and_max(unit, python):
    unit.serve({'pid': python('pid', processes={'max': 3, 'spare': 1, 'idle_timeout': 30})})
    assert len(unit.pids('"pid" application')) == 1
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(unit.get('/slow').text)) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(answers) == 6 and len(set(answers)) == 3
    assert len(unit.pids('"pid" application')) == 3


def test_request_limit(unit, python):
    unit.serve({'pid': python('pid', limits={'requests': 2})})
    seen = [unit.get().text for _ in range(8)]
    assert all(seen.count(p) <= 2 for p in seen) and len(set(seen)) >= 4


def test_request_timeout(unit, python):
    unit.serve({'sleep': python('sleep', limits={'timeout': 1})})
    start = time.monotonic()
    assert unit.get('/5').status == 503
    assert 0.8 < time.monotonic() - start < 5
    # Until the process has done with it, others wait, and not longer than their own time.
    assert unit.get('/0').status == 503
    wait_for(lambda: unit.get('/0').status == 200)


def test_restart(unit, python):
    unit.serve({'pid': python('pid')})
    before = unit.get().text
    assert unit.control('GET', '/control/applications/pid/restart').json() == {'success': 'Ok'}
    wait_for(lambda: not exists(int(before)), what='the old process to end')
    assert unit.get().text != before
    assert unit.control('GET', '/control/applications/none/restart').status == 404


def test_restart_lets_a_request_finish(unit, python):
    unit.serve({'pid': python('pid')})
    before = unit.get().text
    with unit.connect() as c:
        c.send(b'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
        unit.wait_active('pid')
        time.sleep(0.3)
        assert unit.control('GET', '/control/applications/pid/restart').status == 200
        assert c.answer().text == before


def test_unchanged_application_keeps_its_process(unit, python):
    unit.serve({'pid': python('pid')})
    before = unit.get().text
    unit.configure({'http': {'max_body_size': 1000}}, '/config/settings')
    assert unit.get().text == before
    unit.configure({'A': 'b'}, '/config/applications/pid/environment')
    assert unit.get().text != before


def test_import_error(unit, python):
    a = unit.control('PUT', '/config', {
        'listeners': {}, 'applications': {'broken': python('broken_import')}})
    assert (a.status, a.json()['error']) == (500, 'Failed to apply new configuration.')
    unit.wait_log('RuntimeError: the database is down')
    unit.wait_log('failed to start application "broken"')
    wait_for(lambda: not unit.pids('broken'), what='no process left')


def test_exit_at_import_answers_503(unit, python):
    unit.serve({'gone': python('exit_import', processes={'max': 1, 'spare': 0})})
    assert unit.get().status == 503
    unit.wait_log('exited with code 7')
    unit.configure('hello', '/config/applications/gone/module')
    assert unit.get().status == 200


def test_exit_during_a_request(unit, python):
    unit.serve({'pid': python('pid')})
    before = unit.get().text
    assert unit.get('/exit').status == 503
    unit.wait_log(f'app process {before} exited with code 3')
    assert unit.get().text != before


def test_exit_after_the_last_byte_of_an_answer(unit, python):
    unit.serve({'gone': python('exit_asgi')})
    with unit.connect() as c:
        for _ in range(3):
            c.send(request(close=False))
            assert c.answer().body == b'all'
            # Nothing is missing, so the connection lives on when the process has died.
            assert not c.closed(0.2)
    unit.wait_log('exited with code 3')


def test_exception_before_and_during_the_answer(unit, python):
    unit.serve({'failing': python('failing')})
    assert unit.get('/before').status == 503
    unit.wait_log('ValueError: before the answer')
    with unit.connect() as c:
        c.send(b'GET /during HTTP/1.1\r\nHost: a\r\n\r\n')
        with pytest.raises(EOFError):
            c.answer()
    unit.wait_log('ValueError: during the answer')
    assert unit.get('/').text == 'first part'


def test_client_that_leaves_is_noticed(unit, python):
    note = unit.tmp / 'note'
    unit.serve({'gone': python('disconnect', environment={'NOTE': str(note)})})
    with unit.connect() as c:
        c.send(b'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        wait_for(note.exists, what='the request')
    wait_for(lambda: 'http.disconnect' in note.read_text(), what='http.disconnect')


def test_user_and_group(unit, python):
    if os.geteuid() != 0:
        pytest.skip('needs root')
    unit.serve({'ids': python('ids', user='daemon', group='daemon')})
    if unit.get().status == 503:
        pytest.skip('the checkout cannot be read by other users')
    assert unit.get().json() == {'uid': 1, 'gid': 1, 'groups': [1]}


def test_environment_and_working_directory(unit, python):
    unit.serve({'ids': python('ids', environment={'GREETING': 'ahoj', 'EMPTY': ''}, working_directory=str(unit.tmp))})
    assert unit.get('/env').json()['GREETING'] == 'ahoj'
    assert unit.get('/env').json()['EMPTY'] == ''
    assert unit.get('/cwd').json() == str(unit.tmp)


def test_threads(unit, python):
    unit.serve({'sleep': python('sleep', threads=4)})
    start = time.monotonic()
    threads = [threading.Thread(target=unit.get, args=('/3',)) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert time.monotonic() - start < 12


def snapshot(unit):
    """Descriptors of every process by title."""
    found = {}
    for pid, name in unit.processes().items():
        # It may end meanwhile.
        with contextlib.suppress(OSError):
            found[name] = descriptors(pid)
    return found


@pytest.mark.parametrize('who', ['unit: controller', 'unit: router', '"pid" prototype', '"pid" application'])
def test_killed_process_comes_back(unit, python, who):
    unit.serve({'pid': python('pid')})
    assert unit.get().status == 200
    config = unit.control('GET', '/config').json()

    def titles():
        return sorted(unit.processes().values())

    # Main, the controller, the router, the prototype and the application.
    before = wait_for(lambda: len(now := titles()) == 5 and now, what='five processes')
    counts = []
    for _ in range(4):
        victim = unit.pid(who)
        os.kill(victim, signal.SIGKILL)
        unit.wait_log(f'{victim} exited on signal 9')
        wait_for(unit.serves, what=f'an answer after the death of {who}')
        try:
            wait_for(lambda: titles() == before)
        except TimeoutError:
            raise AssertionError(f'{titles()}, not {before}\n{unit.log()}') from None
        assert unit.control('GET', '/config').json() == config
        counts.append(snapshot(unit))

    # The first rounds may open what stays open; after them nothing may pile up. What the last one
    # killed is let go of a moment later.
    usual = {title: max(counts[0].get(title, 0), number) for title, number in counts[1].items()}

    def settled():
        counts.append(snapshot(unit))
        return all(number <= usual.get(title, number) + 1 for title, number in counts[-1].items())

    wait_for(settled, what=f'descriptors as before: {counts}')


def test_killed_main_takes_all_with_it(unit, python):
    unit.serve({'pid': python('pid')})
    unit.get()
    tree = unit.processes()
    os.kill(unit.process.pid, signal.SIGKILL)
    unit.process.wait(30)
    assert not wait_for_end(tree)
    unit.process = None
    unit.start()
    wait_for(unit.serves)


def test_unix_listener_survives_the_router(unit):
    path = unit.dir / 'listen.sock'
    unit.dir.chmod(0o777)
    unit.configure({'listeners': {f'unix:{path}': {'pass': 'routes'}}, 'routes': [{'action': {'return': 200}}]})
    assert http((socket.AF_UNIX, str(path))).status == 200
    os.kill(unit.pid('unit: router'), signal.SIGKILL)
    unit.wait_log('exited on signal 9')

    def answers():
        try:
            return http((socket.AF_UNIX, str(path))).status == 200
        except (OSError, EOFError):
            return False

    wait_for(answers, what='an answer from the new router')
    assert 'failed to apply previous configuration' not in unit.log()


def test_no_descriptor_is_lost_by_reconfiguration(unit, python):
    unit.serve({'pid': python('pid')})
    unit.get()

    def round_trip(i):
        unit.configure({'N': str(i)}, '/config/applications/pid/environment')
        unit.configure({'pass': 'applications/pid'}, '/config/listeners/127.0.0.1:' + str(unit.port))
        assert unit.get().status == 200

    def settled():
        wait_for(lambda: len(unit.pids('"pid"')) == 2, what='old processes to end')
        return {t: descriptors(p) for p, t in unit.processes().items() if t in ('unit: router', 'unit: controller')}

    round_trip(0)
    before = settled()
    for i in range(1, 8):
        round_trip(i)
    wait_for(lambda: all(settled()[t] <= n for t, n in before.items()), what='descriptors back')
