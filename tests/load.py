"""Clients that judge every answer, and a census of processes and descriptors."""

import collections
import re
import threading
import time

from daemon import PATIENCE, Connection, links, request, wait_for

# What became of a request that got no whole answer.
LOST = 'lost'        # the connection ended before the first byte of an answer
CUT = 'cut'          # it ended within an answer, and the client can tell
REFUSED = 'refused'  # there was no connection
WRONG = 'wrong'      # the answer is another one than was asked for
SLOW = 'slow'        # no answer in time


def attempt(connection, path, expected=None, method='GET', body=b'', close=False, version='HTTP/1.1'):
    """Sends a request and reads the answer: a status, or one of the words above."""
    try:
        connection.send(request(method, path, body=body, close=close, version=version))
    except TimeoutError:
        return SLOW
    except OSError:
        return LOST
    return outcome(connection, expected)


def outcome(connection, expected=None):
    """Reads the answer to a request that was sent; one with status 200 must have this body."""
    seen = bool(connection.buffer)
    try:
        answer = connection.answer()
    except TimeoutError:
        return SLOW
    except EOFError as error:
        seen = seen or not re.match(r"closed (in a line: bytearray\(b''\)|in a line: b'')", str(error))
        return CUT if seen else LOST
    except ConnectionError:
        return CUT if seen or connection.buffer else LOST
    if answer.status == 200 and expected is not None and answer.body != expected:
        return WRONG
    return answer.status


class Load:
    """Clients that ask for short answers one after the other, half of them on connections that
    they keep, the others on a new one each time."""

    def __init__(self, unit, path='/', clients=4, pause=0.003, repeat=20):
        self.unit, self.path, self.pause, self.repeat = unit, path, pause, repeat
        self.outcomes = collections.Counter()
        self.longest = 0
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._client, args=(n,)) for n in range(clients)]

    def _client(self, number):
        connection, count = None, 0
        while not self._done.is_set():
            count += 1
            token = f'{number}-{count}.'
            start = time.monotonic()
            try:
                if connection is None:
                    connection = Connection(self.unit.address, timeout=20)
            except OSError:
                result = REFUSED
            else:
                keep = number % 2 == 0
                expected = (token * self.repeat).encode()
                result = attempt(connection, f'{self.path}?{token}', expected, close=not keep)
                if not keep or not isinstance(result, int) or result != 200:
                    connection.close()
                    connection = None
            with self._lock:
                self.outcomes[result] += 1
                self.longest = max(self.longest, time.monotonic() - start)
            time.sleep(self.pause)
        if connection is not None:
            connection.close()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        try:
            wait_for(lambda: self.outcomes[200] > 20, what='load')
        except TimeoutError:
            self._done.set()
            raise
        return self

    def __exit__(self, *_):
        self._done.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)

    def more(self, count=40):
        """Waits for further good answers."""
        goal = self.outcomes[200] + count
        wait_for(lambda: self.outcomes[200] >= goal, what=f'answers under load: {self.outcomes}')


class Census:
    """How many processes there are of each title, and what the lasting ones have open."""

    LASTING = ('unit: main', 'unit: controller', 'unit: router')

    def __init__(self, unit):
        self.unit = unit
        self.processes, self.open = self.take()

    def take(self):
        processes, held = collections.Counter(), {}
        for pid, title in self.unit.processes().items():
            lasting = next((name for name in self.LASTING if title.startswith(name)), None)
            processes[lasting or title] += 1
            if lasting:
                held[lasting] = links(pid)
        return processes, held

    def excess(self):
        """What is there now and was not then, or the other way round, in words."""
        processes, held = self.take()
        difference = []
        if processes != self.processes:
            difference.append(f'processes {dict(processes)}, not {dict(self.processes)}')
        for name, before in self.open.items():
            now = held.get(name, collections.Counter())
            if now.total() > before.total():
                difference.append(f'{name} has {now.total()} descriptors, not {before.total()}: {dict(now - before)}')
        return difference

    def wait(self, seconds=PATIENCE):
        """Waits until the count is what it was."""
        end = time.monotonic() + seconds
        while difference := self.excess():
            assert time.monotonic() < end, (difference, self.unit.log())
            time.sleep(0.05)
