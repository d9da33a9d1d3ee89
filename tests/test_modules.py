"""What a language module finds in its host."""

import os
import pathlib
import subprocess
import tempfile

import pytest

from daemon import APPS, BUILD, ROOT, Daemon


@pytest.fixture
def module():
    """Builds a module of tests/apps as anybody outside would; the folder that it is in."""
    with tempfile.TemporaryDirectory() as folder:
        yield lambda name: build(pathlib.Path(folder), name)


def build(folder, name):
    # The header that says whether the build has the debug interface comes first.
    include = [f'-I{BUILD / "include"}', f'-I{ROOT / "include"}']
    subprocess.run(['gcc', '-std=gnu11', '-Wall', '-Werror', '-O1', '-fPIC', '-shared',
                    '-fvisibility=hidden', *include, '-o', folder / f'{name}.unit.so',
                    APPS / f'{name}.c', BUILD / 'lib/libunit.a', '-lpthread'], check=True)
    folder.chmod(0o755)
    return folder


def test_the_data_objects_tell_of_the_process(module):
    folder = module('facts')
    daemon = Daemon(['--modulesdir', str(folder)])
    try:
        daemon.serve({'app': {'type': 'perl', 'script': '/x', 'processes': 1}})
        facts = daemon.get().json()
        processes = daemon.processes()
        assert facts['pid'] == daemon.pid('"app" application')
        assert facts['ppid'] == daemon.pid('"app" prototype')
        assert facts['euid'] == os.stat(f'/proc/{facts["pid"]}').st_uid, processes
        assert facts['pagesize'] == os.sysconf('SC_PAGESIZE')
        assert facts['ncpu'] == len(os.sched_getaffinity(0))
        # Nothing is stored yet: what that counts as.
        assert facts['conf_ver'] == 12500
        assert facts['program'].endswith('unitd')
        assert facts['environ'] == 1 and facts['thread'] == 1 and facts['logs'] == 0
        assert 'panicked' not in daemon.log()
    finally:
        daemon.remove()
