"""Log files: where they can be, and their rotation on SIGUSR1."""

import os
import signal
import socket
import stat
import subprocess

import pytest

from daemon import BUILD, Daemon, exists, wait_for, wait_for_end


def rotate(unit):
    os.kill(unit.process.pid, signal.SIGUSR1)


def logged_by(pid, path):
    """Whether descriptor 2 of the process is that file."""
    return os.path.samestat(os.stat(f'/proc/{pid}/fd/2'), os.stat(path))


def logged_by_all(unit, path):
    """Whether it is that of every process of the daemon; those that end meanwhile are not asked."""
    for pid in unit.processes():
        try:
            if not logged_by(pid, path):
                return False
        except (FileNotFoundError, ProcessLookupError):
            if exists(pid):
                return False
    return True


def test_every_process_gets_the_new_log(unit, python):
    unit.serve({'pid': python('pid', processes=2)})
    unit.get()
    old = unit.dir / 'old.log'
    unit.log_file.rename(old)
    rotate(unit)
    wait_for(unit.log_file.exists, what='the new log')
    mode = unit.log_file.stat()
    assert stat.S_IMODE(mode.st_mode) == 0o600 and mode.st_uid == os.geteuid()
    wait_for(lambda: logged_by_all(unit, unit.log_file), what='the new log everywhere')
    assert 'log files rotation' in old.read_text()
    # Processes that come later have it too.
    first = unit.pids('"pid"')
    unit.configure(3, '/config/applications/pid/processes')
    assert not wait_for_end(first)
    wait_for(lambda: len(unit.pids('"pid" application')) == 3, what='three processes')
    assert logged_by_all(unit, unit.log_file)
    before = old.read_text()
    victim = unit.pids('"pid" application')[0]
    os.kill(victim, signal.SIGKILL)
    unit.wait_log(f'{victim} exited on signal 9')
    assert old.read_text() == before


def test_log_that_cannot_be_reopened(unit):
    unit.log_file.rename(unit.dir / 'old.log')
    unit.log_file.mkdir()
    rotate(unit)
    old = unit.dir / 'old.log'
    wait_for(lambda: 'is not reopened, the old one stays in use' in old.read_text(), what='the complaint')
    assert logged_by_all(unit, old)
    unit.log_file.rmdir()
    rotate(unit)
    wait_for(unit.log_file.exists, what='the new log')
    wait_for(lambda: logged_by_all(unit, unit.log_file), what='the new log everywhere')


def start(folder, log, *arguments, **streams):
    """A daemon whose log is not a file of its folder."""
    for name in ('state', 'tmp'):
        (folder / name).mkdir(exist_ok=True)
    return subprocess.Popen(
        [BUILD / 'sbin/unitd', '--no-daemon', '--control', f'unix:{folder}/control.sock', '--pid', folder / 'pid',
         '--log', log, '--statedir', folder / 'state', '--tmpdir', folder / 'tmp',
         '--modulesdir', BUILD / 'lib/unit/modules', *arguments], **streams)


def finish(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@pytest.mark.parametrize('name', ['/dev/stdout', '/dev/stderr'])
@pytest.mark.parametrize('kind', ['pipe', 'socket'])
def test_log_to_a_standard_stream(tmp_path, name, kind):
    if kind == 'pipe':
        read, write = os.pipe()
    else:
        ends = socket.socketpair()
        read, write = (end.detach() for end in ends)
    stream = 'stdout' if name == '/dev/stdout' else 'stderr'
    process = start(tmp_path, name, **{stream: write})
    os.close(write)
    text = b''
    try:
        while b'router started' not in text:
            text += os.read(read, 65536)
        process.send_signal(signal.SIGUSR1)
        while b'log files rotation' not in text:
            text += os.read(read, 65536)
        os.kill(int((tmp_path / 'pid').read_text()), signal.SIGHUP)
        while b'SIGHUP' not in text:
            text += os.read(read, 65536)
        assert b'failed' not in text
    finally:
        finish(process)
        os.close(read)


def test_log_to_a_fifo(tmp_path):
    fifo = tmp_path / 'fifo'
    os.mkfifo(fifo)
    # Without a reader it is an error and not a wait.
    process = start(tmp_path, fifo, stderr=subprocess.PIPE)
    _, text = process.communicate(timeout=30)
    assert process.returncode == 1 and b'failed (6: No such device or address)' in text
    read = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(read, True)
    process = start(tmp_path, fifo)
    text = b''
    try:
        while b'router started' not in text:
            text += os.read(read, 65536)
        process.send_signal(signal.SIGUSR1)
        while b'log files rotation' not in text:
            text += os.read(read, 65536)
        # A reader that does not read holds nobody up.
        for _ in range(2000):
            os.kill(process.pid, signal.SIGHUP)
        assert fifo.exists()
    finally:
        finish(process)
        os.close(read)


def test_stderr_of_an_application_is_reopened(python):
    """In the background, where applications have files of their own."""
    unit = Daemon()
    try:
        arguments = [a for a in unit.process.args if a != '--no-daemon']
        unit.stop()
        out, err = unit.tmp / 'app.out', unit.tmp / 'app.err'
        subprocess.run(arguments, check=True, timeout=60)
        main = int(wait_for(lambda: unit.pid_file.exists() and unit.pid_file.read_text(), what='the pid file'))
        try:
            wait_for(unit.controllable, what='the control API')
            unit.serve({'pid': python('pid', stdout=str(out), stderr=str(err))})
            pid = int(unit.get().text)
            assert logged_by(pid, err) and os.path.samestat(os.stat(f'/proc/{pid}/fd/1'), os.stat(out))
            err.rename(unit.tmp / 'old.err')
            unit.log_file.rename(unit.dir / 'old.log')
            os.kill(main, signal.SIGUSR1)
            wait_for(lambda: err.exists() and logged_by(pid, err), what='the new stderr')
            wait_for(lambda: logged_by(main, unit.log_file), what='the new log')
        finally:
            os.kill(main, signal.SIGTERM)
            assert not wait_for_end([main])
    finally:
        unit.remove()
