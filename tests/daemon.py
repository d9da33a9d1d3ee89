"""A real unitd in a folder of its own, and what a test asks of it."""

import collections
import contextlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
APPS = pathlib.Path(__file__).resolve().parent / 'apps'
BUILD = pathlib.Path(os.environ.get('NXT_BUILD', ROOT / 'build')).resolve()


# How long to wait for what comes soon. On a busy machine "soon" may be long; a test that proves
# that something is quick measures it.
PATIENCE = 30


def free_port():
    """A TCP port that is in use nowhere, not even as the client's end of a connection.

    It is not of those that the kernel gives to connections, so it stays free until it is used."""
    first = int(pathlib.Path('/proc/sys/net/ipv4/ip_local_port_range').read_text().split()[0])
    while True:
        with socket.socket() as s:
            try:
                s.bind(('', random.randrange(10000, first) if first > 15000 else 0))
            except OSError:
                continue
            return s.getsockname()[1]


def wait_for(condition, seconds=PATIENCE, what='condition'):
    """Polls until the condition is true; its value is returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f'{what}: not within {seconds} s')
        time.sleep(0.02)


def readable_by_all(path):
    """Whether any user can reach the path (applications run as nobody)."""
    path = pathlib.Path(path).resolve()
    return all(p.stat().st_mode & stat.S_IXOTH for p in (path, *path.parents) if p.is_dir())


class Answer:
    """An HTTP answer."""

    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    @property
    def text(self):
        return self.body.decode()

    def header(self, name, default=None):
        """The value of the first field of that name."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), default)

    def json(self):
        return json.loads(self.body)


class Connection:
    """A client connection that sends just the bytes it is given."""

    def __init__(self, address, timeout=PATIENCE):
        family, target = address
        self.sock = socket.socket(family)
        self.sock.settimeout(timeout)
        self.sock.connect(target)
        self.buffer = bytearray()

    def send(self, data):
        self.sock.sendall(data)

    def _more(self):
        data = self.sock.recv(1 << 20)
        self.buffer += data
        return bool(data)

    def _take(self, size):
        while len(self.buffer) < size:
            if not self._more():
                raise EOFError(f'closed after {len(self.buffer)} of {size} bytes')
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def _line(self):
        while b'\r\n' not in self.buffer:
            if not self._more():
                raise EOFError(f'closed in a line: {self.buffer[:200]!r}')
        end = self.buffer.index(b'\r\n')
        line = bytes(self.buffer[:end])
        del self.buffer[:end + 2]
        return line

    def head(self):
        """Reads the head of an answer: status, reason, fields."""
        version, status, reason = (self._line().decode('latin-1').split(' ', 2) + [''])[:3]
        assert version == 'HTTP/1.1'
        headers = []
        while line := self._line().decode('latin-1'):
            name, value = line.split(':', 1)
            headers.append((name, value.strip()))
        return Answer(int(status), reason, headers, b'')

    def answer(self, method='GET'):
        """Reads one whole answer."""
        a = self.head()
        length = a.header('Content-Length')
        if method == 'HEAD' or a.status in (204, 304) or a.status < 200:
            pass
        elif a.header('Transfer-Encoding') == 'chunked':
            while size := int(self._line().split(b';')[0], 16):
                a.body += self._take(size)
                assert self._take(2) == b'\r\n'
            assert self._line() == b''
        elif length is not None:
            a.body = self._take(int(length))
        else:
            while self._more():
                pass
            a.body, self.buffer = bytes(self.buffer), bytearray()
        return a

    def closed(self, seconds=PATIENCE):
        """Whether the server closes the connection within that time."""
        timeout = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            return not self.buffer and self.sock.recv(1) == b''
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(timeout)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def http(address, method='GET', path='/', headers=(), body=b'', version='HTTP/1.1', timeout=PATIENCE):
    """One request on a connection of its own."""
    with Connection(address, timeout) as c:
        c.send(request(method, path, headers, body, version))
        return c.answer(method)


def request(method='GET', path='/', headers=(), body=b'', version='HTTP/1.1', close=True):
    """The bytes of a request."""
    fields = list(headers.items() if isinstance(headers, dict) else headers)
    names = {n.lower() for n, _ in fields}
    if 'host' not in names:
        fields.insert(0, ('Host', 'localhost'))
    if close and 'connection' not in names:
        fields.append(('Connection', 'close'))
    if body and not names & {'content-length', 'transfer-encoding'}:
        fields.append(('Content-Length', str(len(body))))
    head = f'{method} {path} {version}\r\n' + ''.join(f'{n}: {v}\r\n' for n, v in fields) + '\r\n'
    return head.encode('latin-1') + body


class Daemon:
    """A running unitd. `port` is a free TCP port to listen on."""

    def __init__(self, arguments=(), descriptors=None, binary=None, prefix=(), environment=None, configuration=None, owner=None):
        """`arguments` are added to the command line; `descriptors` limits each process;
        `binary` is the daemon to run instead of the built one; `prefix` is a command that runs it;
        `environment` is added to it; `configuration` is a stored one, which need not be in force
        when this returns; `owner` gets the daemon's folder."""
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='nxt-test-'))
        self.dir.chmod(0o755)
        self.state = self.dir / 'state'
        self.state.mkdir()
        self.tmp = self.dir / 'tmp'
        self.tmp.mkdir()
        self.tmp.chmod(0o1777)
        self.socket = self.dir / 'control.sock'
        self.log_file = self.dir / 'unit.log'
        self.pid_file = self.dir / 'unit.pid'
        self.port = free_port()
        self.arguments = list(arguments)
        self.limit = descriptors
        self.binary = binary or BUILD / 'sbin/unitd'
        self.prefix = list(prefix)
        self.environment = environment or {}
        if configuration is not None:
            (self.state / 'conf.json').write_text(json.dumps(configuration))
        if owner is not None:
            for path in (self.dir, self.state, self.tmp, *self.state.iterdir()):
                shutil.chown(path, owner)
        self.process = None
        self.start(wait=configuration is None)

    def start(self, wait=True):
        """Starts the daemon on what its folder holds, and waits for the control API."""
        user = []
        if os.geteuid() == 0 and not readable_by_all(APPS):
            # A checkout that only its owner can reach: the applications must run as the owner.
            owner = ROOT.owner()
            user = ['--user', owner]
        self.process = subprocess.Popen(
            [*self.prefix, self.binary, '--no-daemon', '--control', f'unix:{self.socket}',
             '--pid', self.pid_file, '--log', self.log_file, '--statedir', self.state,
             '--modulesdir', BUILD / 'lib/unit/modules', '--tmpdir', self.tmp, *user, *self.arguments],
            stdout=subprocess.DEVNULL, stderr=open(self.dir / 'stderr', 'ab'), preexec_fn=self._limit,
            env={**os.environ, **self.environment})
        if not wait:
            return
        wait_for(lambda: self.alive() and self.controllable(), what='control API')

    def controllable(self):
        """Whether the control API answers."""
        try:
            return self.control('GET', '/config').status == 200
        except (FileNotFoundError, ConnectionError, EOFError):
            # Not yet there, or the socket of a daemon that was killed, whose last process is about
            # to end.
            return False

    def status(self, path='/', **more):
        """The status of an answer; None if the connection ends without one, as when the router dies."""
        try:
            return self.get(path, **more).status
        except (OSError, EOFError):
            return None

    def serves(self, path='/', **more):
        return self.status(path, **more) == 200

    def _limit(self):
        if self.limit:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.limit, self.limit))

    def alive(self):
        assert self.process.poll() is None, f'unitd ended: {self.log()}'
        return True

    def stop(self, signo=signal.SIGTERM, seconds=PATIENCE):
        """Ends the daemon; no process of it may be left."""
        if self.process is None:
            return 0
        tree = self.processes()
        self.process.send_signal(signo)
        code = self.process.wait(seconds)
        self.process = None
        left = wait_for_end(tree)
        assert not left, f'processes left behind: {left}'
        return code

    def remove(self):
        """Ends the daemon, whatever its state, and removes its folder; the log."""
        if self.process is not None and self.process.poll() is None:
            tree = self.processes()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            for pid in wait_for_end(tree, 5):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        log = self.log()
        shutil.rmtree(self.dir, ignore_errors=True)
        return log

    def log(self):
        return self.log_file.read_text(errors='replace') if self.log_file.exists() else ''

    def wait_log(self, text, seconds=PATIENCE):
        """Waits until the log holds the text."""
        wait_for(lambda: text in self.log(), seconds, f'log record {text!r}')

    # The control API.

    def control(self, method, path, body=b''):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return http((socket.AF_UNIX, str(self.socket)), method, path, body=body, timeout=60)

    def configure(self, config, path='/config'):
        """Puts a configuration that must be accepted."""
        a = self.control('PUT', path, config)
        assert a.status == 200, f'{a.text}\n{self.log()}'

    def serve(self, applications=None, listeners=None, routes=None, settings=None):
        """Puts a configuration; by default one listener on `port` for the only application."""
        applications = applications or {}
        if listeners is None:
            target = 'routes' if routes is not None else f'applications/{next(iter(applications))}'
            listeners = {f'127.0.0.1:{self.port}': {'pass': target}}
        config = {'listeners': listeners, 'applications': applications}
        if routes is not None:
            config['routes'] = routes
        if settings is not None:
            config['settings'] = settings
        self.configure(config)

    @property
    def address(self):
        return (socket.AF_INET, ('127.0.0.1', self.port))

    def connect(self, timeout=PATIENCE):
        return Connection(self.address, timeout)

    def get(self, path='/', headers=(), **more):
        return http(self.address, 'GET', path, headers, **more)

    def post(self, path='/', body=b'', headers=(), **more):
        return http(self.address, 'POST', path, headers, body, **more)

    def wait_active(self, application, number=1):
        """Waits until so many requests are with the application."""
        path = f'/status/applications/{application}/requests/active'
        wait_for(lambda: self.control('GET', path).json() == number, what=f'{number} requests in work')

    # The process tree.

    def processes(self):
        """pid → title of the daemon and all its descendants."""
        parents = {}
        for d in os.listdir('/proc'):
            if d.isdigit():
                try:
                    stat_line = pathlib.Path(f'/proc/{d}/stat').read_text()
                    fields = stat_line[stat_line.rindex(')') + 2:].split()
                    if fields[0] != 'Z':
                        parents.setdefault(int(fields[1]), []).append(int(d))
                except (FileNotFoundError, ProcessLookupError):
                    pass
        found, todo = {}, [self.process.pid]
        while todo:
            pid = todo.pop()
            # One that ended meanwhile has no title.
            if name := title(pid):
                found[pid] = name
            todo += parents.get(pid, [])
        return found

    def pids(self, text):
        """The processes whose title contains the text."""
        return [p for p, t in self.processes().items() if text in t]

    def pid(self, text):
        """The one process whose title contains the text, once it is the only one: a new process
        has the title of the one that made it for a moment, and an old one may be about to end."""
        def only():
            pids = self.pids(text)
            return len(pids) == 1 and pids

        return wait_for(only, what=f'one process {text!r}')[0]


def title(pid):
    try:
        return pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace').strip()
    except (FileNotFoundError, ProcessLookupError):
        return ''


def exists(pid):
    """Whether the process runs (a zombie does not)."""
    try:
        stat_line = pathlib.Path(f'/proc/{pid}/stat').read_text()
        return stat_line[stat_line.rindex(')') + 2] != 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_end(pids, seconds=PATIENCE):
    """Waits for processes to end; those that did not are returned."""
    end = time.monotonic() + seconds
    left = [p for p in pids if exists(p)]
    while left and time.monotonic() < end:
        time.sleep(0.02)
        left = [p for p in left if exists(p)]
    return left


def stop_process(pid):
    """Sends SIGSTOP, and waits until every thread has stopped."""
    def stopped():
        for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
            # A thread may end before it would stop.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if (task / 'stat').read_text().rpartition(')')[2].split()[0] != 'T':
                    return False
        return True

    os.kill(pid, signal.SIGSTOP)
    wait_for(stopped, what=f'process {pid} to stop')


def descriptors(pid):
    """How many descriptors a process has open."""
    return len(os.listdir(f'/proc/{pid}/fd'))


def links(pid):
    """What a process has open: the number of descriptors by what they lead to, for example a path,
    or the word "socket". A process that has ended has nothing."""
    found = collections.Counter()
    with contextlib.suppress(OSError):
        for name in os.listdir(f'/proc/{pid}/fd'):
            # The descriptor may be closed by now.
            with contextlib.suppress(OSError):
                found[re.sub(r':\[\d+\]', '', os.readlink(f'/proc/{pid}/fd/{name}'))] += 1
    return found
