"""Programs that others wrote for libunit, built as their authors meant them to be."""

import os
import shutil
import subprocess

import pytest
from daemon import BUILD, ROOT

CLIENT = ROOT / 'tests/clients/unit-rs'


@pytest.fixture(scope='module')
def unit_rs(tmp_path_factory):
    """An application of the published crate unit-rs, linked with our libunit.a."""
    library = tmp_path_factory.mktemp('libunit')
    shutil.copy(BUILD / 'lib/libunit.a', library)
    environment = {
        **os.environ,
        'CARGO_TARGET_DIR': str(ROOT / 'target/unit-rs'),
        'BINDGEN_EXTRA_CLANG_ARGS': f'-I{ROOT / "include"} -DNXT_UNIT_LOCAL_NAMES',
        'RUSTFLAGS': f'-L native={library}',
    }
    # A release build, because in others the crate asks for a library named unit-debug.
    subprocess.run(['cargo', 'build', '--quiet', '--release', '--locked'], cwd=CLIENT, env=environment, check=True)
    folder = tmp_path_factory.mktemp('unit-rs')
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    return shutil.copy(ROOT / 'target/unit-rs/release/unit-rs-client', folder)


def test_unit_rs_serves_requests(unit, unit_rs):
    unit.serve({'rs': {'type': 'external', 'executable': str(unit_rs), 'processes': 2}})
    answer = unit.get('/some/path')
    assert (answer.status, answer.body) == (200, b'GET /some/path 0\n')
    assert answer.header('X-Client') == 'unit-rs'
    body = bytes(range(256)) * 4000
    answer = unit.post('/upload', body)
    assert answer.body == f'POST /upload {len(body)}\n'.encode() + body
    assert {unit.get(f'/{n}').status for n in range(50)} == {200}
