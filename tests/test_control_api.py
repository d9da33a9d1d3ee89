"""The control API through its socket, and what becomes of the configuration in the state folder."""

import json
import signal
import socket
import threading

from daemon import Connection, wait_for

RETURN = {'listeners': {}, 'routes': [{'action': {'return': 204}}], 'applications': {}}


def test_default_document(unit):
    assert unit.control('GET', '/config').json() == {'listeners': {}, 'routes': [], 'applications': {}}


def test_shape_of_an_answer(unit):
    a = unit.control('GET', '/config')
    assert a.text == '{\r\n\t"listeners": {},\r\n\t"routes": [],\r\n\t"applications": {}\r\n}\r\n'
    assert a.header('Content-Type') == 'application/json'
    assert a.header('Connection') == 'close'


def test_edit_paths(unit):
    unit.configure(RETURN)
    assert unit.control('POST', '/config/routes', {'action': {'return': 200}}).status == 200
    assert unit.control('PUT', '/config/routes/0/action/return', 201).status == 200
    assert unit.control('GET', '/config/routes').json() == [{'action': {'return': 201}}, {'action': {'return': 200}}]
    assert unit.control('GET', '/config/routes/1/action/return').text == '200\r\n'
    assert unit.control('DELETE', '/config/routes/0').status == 200
    assert unit.control('GET', '/config/routes').json() == [{'action': {'return': 200}}]
    assert unit.control('DELETE', '/config').json() == {'success': 'Reconfiguration done.'}
    assert unit.control('GET', '/config').json() == {}


def test_slash_in_a_name(unit):
    unit.configure({**RETURN, 'routes': {'a/b': []}})
    assert unit.control('GET', '/config/routes/a%2Fb').json() == []
    assert unit.control('GET', '/config/routes/a/b').status == 404


def test_errors_name_the_fault(unit):
    unit.configure(RETURN)
    for method, path, body, status, error in (
            ('GET', '/config/nothing', b'', 404, "Value doesn't exist."),
            ('GET', '/nothing', b'', 404, "Value doesn't exist."),
            ('POST', '/config', b'{}', 405, "Method isn't allowed."),
            ('PUT', '/status', b'{}', 405, 'Invalid method.'),
            ('PUT', '/config/routes/7', b'{}', 404, "Value doesn't exist."),
            ('PUT', '/config/unheard', b'{}', 400, 'Invalid configuration.'),
            ('PUT', '/config/routes/0/action/return/x', b'1', 404, "Value doesn't exist.")):
        a = unit.control(method, path, body)
        assert (a.status, a.json()['error']) == (status, error), (method, path)
    assert unit.control('GET', '/config').json() == RETURN


def test_position_of_a_json_error(unit):
    a = unit.control('PUT', '/config', b'{\n  "listeners": {,}\n}')
    assert a.status == 400
    error = a.json()
    assert error['error'] == 'Invalid JSON.'
    assert error['location'] == {'offset': 18, 'line': 2, 'column': 17}
    assert 'double quote' in error['detail']


def test_invalid_json_leaves_the_configuration(unit):
    unit.configure(RETURN)
    for body in (b'', b'{', b'[1,', b'"\xff', b'{"a":1,"a":2}', b'\x00', b'[' * 100_000):
        a = unit.control('PUT', '/config', body)
        assert (a.status, a.json()['error']) == (400, 'Invalid JSON.'), body[:20]
    assert unit.control('GET', '/config').json() == RETURN


def test_options_that_are_not_there_yet_are_refused(unit):
    for option, value in (('compression', {'http': {'compression': {'types': ['text/*']}}}),
                          ('telemetry', {'telemetry': {'endpoint': 'http://127.0.0.1:1'}}),
                          ('js_module', {'js_module': 'a'})):
        a = unit.control('PUT', '/config/settings', value)
        assert (a.status, a.json()['error']) == (400, 'Invalid configuration.'), option
        assert a.json()['detail'] == f'The "{option}" option is not supported yet.'


def test_pass_to_nowhere_is_refused(unit):
    a = unit.control('PUT', '/config/listeners', {f'127.0.0.1:{unit.port}': {'pass': 'applications/none'}})
    assert a.status == 400
    assert 'points to invalid location' in a.json()['detail']


def test_address_in_use_keeps_the_old_configuration(unit):
    unit.serve(routes=[{'action': {'return': 200}}])
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        busy = f'127.0.0.1:{taken.getsockname()[1]}'
        a = unit.control('PUT', f'/config/listeners/{busy}', {'pass': 'routes'})
        assert (a.status, a.json()['error']) == (500, 'Failed to apply new configuration.')
        unit.wait_log(f'bind(\\"{busy}\\") failed (98: Address already in use)')
    assert busy not in unit.control('GET', '/config/listeners').json()
    assert unit.get().status == 200
    unit.configure({'pass': 'routes'}, f'/config/listeners/{busy}')


def test_state_survives_a_restart(unit):
    unit.serve(routes=[{'action': {'return': 202}}])
    before = unit.control('GET', '/config').json()
    assert json.loads((unit.state / 'conf.json').read_text()) == before
    assert (unit.state / 'conf.json').stat().st_mode & 0o777 == 0o600
    unit.stop()
    unit.start()
    assert unit.control('GET', '/config').json() == before
    assert unit.get().status == 202


def test_corrupt_state_is_kept_and_reported(unit):
    unit.stop()
    (unit.state / 'conf.json').write_text('{"listeners": ')
    unit.start()
    assert unit.control('GET', '/config').json() == {'listeners': {}, 'routes': [], 'applications': {}}
    unit.wait_log('failed to restore previous configuration')
    assert (unit.state / 'conf.json').read_text() == '{"listeners": '


def test_state_of_another_folder_is_not_half_written(unit):
    """While changes go on, the file is always one whole document."""
    unit.configure(RETURN)
    stop = threading.Event()
    seen = []

    def watch():
        while not stop.is_set():
            seen.append(json.loads((unit.state / 'conf.json').read_text())['routes'][0]['action']['return'])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for status in range(200, 260):
            unit.configure(status, '/config/routes/0/action/return')
    finally:
        stop.set()
        watcher.join()
    assert set(seen) <= {204, *range(200, 260)} and len(seen) > 60


def test_many_clients_at_once(unit):
    unit.configure(RETURN)
    answers = []

    def change(status):
        answers.append(unit.control('PUT', '/config/routes/0/action/return', status).status)

    threads = [threading.Thread(target=change, args=(200 + i,)) for i in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [200] * 16


def test_stalled_client_does_not_block_others(unit):
    with Connection((socket.AF_UNIX, str(unit.socket))) as stalled:
        stalled.send(b'PUT /config HTTP/1.1\r\nContent-Length: 100\r\n\r\n{')
        unit.configure(RETURN)
        assert unit.control('GET', '/config').json() == RETURN


def test_head_that_is_too_long_closes(unit):
    with Connection((socket.AF_UNIX, str(unit.socket))) as c:
        c.send(b'GET /config HTTP/1.1\r\nX: ' + b'x' * 2000)
        assert c.closed()


def test_status(unit, python):
    unit.serve({'hello': python('hello')})
    for _ in range(3):
        assert unit.get().status == 200
    status = wait_for(lambda: (s := unit.control('GET', '/status').json())['connections']['active'] == 0 and s)
    assert status['connections'] == {'accepted': 3, 'active': 0, 'idle': 0, 'closed': 3}
    assert status['requests'] == {'total': 3}
    assert status['applications']['hello'] == {
        'processes': {'running': 1, 'starting': 0, 'idle': 1}, 'requests': {'active': 0}}
    assert set(status['modules']['python']) == {'version', 'lib'}
    assert unit.control('GET', '/status/requests/total').text == '3\r\n'
    assert unit.control('GET', '/status/nothing').json() == {'error': 'Invalid path.'}


def test_top_object(unit):
    assert {'config', 'status'} <= set(unit.control('GET', '/').json())


def test_shutdown_removes_socket_and_pid_file(unit):
    assert unit.pid_file.read_text() == f'{unit.process.pid}\n'
    assert unit.stop(signal.SIGQUIT) == 0
    assert not unit.socket.exists()
    assert not unit.pid_file.exists()
