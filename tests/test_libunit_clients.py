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


QUERY = r'''
#include <nxt_unit.h>
#include <nxt_unit_request.h>
#include <stdio.h>
#include <string.h>

static void handle(nxt_unit_request_info_t *req)
{
    char text[64];
    nxt_unit_request_t *r = req->request;
    const char *query = r->query.offset != 0 ? nxt_unit_sptr_get(&r->query) : "(none)";
    int length = snprintf(text, sizeof(text), "%u %s", (unsigned) r->query_length, query);
    int rc = nxt_unit_response_init(req, 200, 0, 0);
    if (rc == NXT_UNIT_OK) {
        rc = nxt_unit_response_write(req, text, length);
    }
    nxt_unit_request_done(req, rc);
}

int main(void)
{
    nxt_unit_init_t init;
    memset(&init, 0, sizeof(init));
    init.callbacks.request_handler = handle;
    nxt_unit_ctx_t *ctx = nxt_unit_init(&init);
    return ctx == NULL || nxt_unit_run(ctx) != NXT_UNIT_OK;
}
'''


def test_no_query_and_an_empty_one_differ(unit, tmp_path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    program = tmp_path / 'query'
    subprocess.run([os.environ.get('CC', 'cc'), '-I', ROOT / 'include', '-x', 'c', '-', '-o', program, '-x', 'none',
                    BUILD / 'lib/libunit.a', '-lpthread', '-ldl', '-lm'], input=QUERY.encode(), check=True)
    unit.serve({'query': {'type': 'external', 'executable': str(program)}})
    targets = ['/', '/?', '/?a=b', '/%61', '/%61?', '/%61?a=b']
    assert [unit.get(target).text for target in targets] == ['0 (none)', '0 ', '3 a=b'] * 2
