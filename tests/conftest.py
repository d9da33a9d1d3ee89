"""Fixtures: a daemon per test, applications to serve."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from daemon import APPS, Daemon, ROOT  # noqa: E402


@pytest.fixture
def unit(request):
    """A unitd without configuration. A panic in its log fails the test."""
    daemon = Daemon()
    try:
        yield daemon
    finally:
        log = daemon.remove()
    assert 'panicked' not in log, log
    assert 'AddressSanitizer' not in log, log


@pytest.fixture
def python():
    """Makes the configuration of a Python application from tests/apps."""

    def make(module, **options):
        return {'type': 'python', 'path': str(APPS), 'module': module, **options}

    return make


@pytest.fixture(scope='session')
def venv():
    """The virtual environment that holds the frameworks."""
    return str(pathlib.Path(sys.prefix)) if sys.prefix != sys.base_prefix else str(ROOT / 'build/venv')
