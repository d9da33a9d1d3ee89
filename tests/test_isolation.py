"""`isolation`: what /proc says of the processes of an application, and that nothing is left behind."""

import collections
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

from daemon import APPS, Daemon, descriptors, exists, links, wait_for, wait_for_end

NAMESPACES = {'credential': 'user', 'pid': 'pid', 'network': 'net', 'mount': 'mnt', 'uname': 'uts', 'cgroup': 'cgroup'}

root_only = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')


def cgroup_root():
    for line in pathlib.Path('/proc/self/mountinfo').read_text().splitlines():
        fields = line.split()
        if fields[fields.index('-') + 1] == 'cgroup2':
            return pathlib.Path(fields[4])
    return None


def own_cgroup(pid='self'):
    for line in pathlib.Path(f'/proc/{pid}/cgroup').read_text().splitlines():
        if line.startswith('0::'):
            return line[3:]
    return None


def can_make_cgroups():
    top = cgroup_root()
    if os.geteuid() != 0 or top is None or own_cgroup() is None:
        return False
    probe = top / f'nxt-probe-{os.getpid()}'
    try:
        probe.mkdir()
        probe.rmdir()
        return True
    except OSError:
        return False


needs_cgroups = pytest.mark.skipif(not can_make_cgroups(), reason='no writable cgroup2 file system')


def can_unshare_user():
    """Whether an ordinary user may make a user namespace here, and mount a proc inside."""
    nobody = pwd.getpwnam('nobody')
    who = {} if os.geteuid() else {'user': nobody.pw_uid, 'group': nobody.pw_gid, 'extra_groups': []}
    done = subprocess.run(['unshare', '-U', '-m', '-p', '-f', '-r', '--mount-proc', 'true'], capture_output=True, **who)
    return done.returncode == 0


def status(pid):
    """/proc/PID/status as a dictionary."""
    lines = pathlib.Path(f'/proc/{pid}/status').read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(':', 1) for line in lines)}


def namespaces(pid):
    return {name: os.readlink(f'/proc/{pid}/ns/{kernel}') for name, kernel in NAMESPACES.items()}


def mounts(pid='self'):
    return [line.split()[4] for line in pathlib.Path(f'/proc/{pid}/mountinfo').read_text().splitlines()]


def ids(pid):
    s = status(pid)
    return s['Uid'].split(), s['Gid'].split(), s['Groups'].split()


def no_privileges(pid):
    s = status(pid)
    assert [int(s[name], 16) for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb')] == [0] * 4, s


def processes(unit, name):
    """The prototype and one process of an application."""
    return unit.pid(f'"{name}" prototype'), wait_for(lambda: unit.pids(f'"{name}" application'), what='a process')[0]


class Remains:
    """What the host has before a test, to be compared with what it has after."""

    def __init__(self, unit):
        self.unit = unit
        self.now = self.count()

    def count(self):
        top = cgroup_root()
        # Others make groups, too; those of the tests have this in their names.
        groups = [str(p) for p in top.rglob(f'nxt-test-{os.getpid()}*')] if top else []
        return {
            'mounts': collections.Counter(mounts()),
            'cgroups': collections.Counter(groups),
            'processes': len(self.unit.processes()),
            'descriptors': descriptors(self.unit.process.pid),
        }

    def restored(self):
        """Whether nothing is there that was not there before. What others had may be gone."""
        now = self.count()
        return (now['mounts'] <= self.now['mounts'] and now['cgroups'] <= self.now['cgroups']
                and all(now[name] == self.now[name] for name in ('processes', 'descriptors')))

    def check(self):
        wait_for(self.restored, what=f'{self.now} left, not {self.count()}')


@pytest.fixture
def rootfs():
    """A directory that becomes a root, with the applications in it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nxt-root-'))
    folder.chmod(0o755)
    shutil.copytree(APPS, folder / 'apps')
    yield folder
    assert not [m for m in mounts() if m.startswith(str(folder))]
    shutil.rmtree(folder)


@pytest.fixture
def ordinary():
    """A unitd that an ordinary user runs: the present one, or nobody."""
    if not can_unshare_user():
        pytest.skip('user namespaces are not for ordinary users here')
    options = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam('nobody')
        options = {'owner': 'nobody', 'prefix': [
            'setpriv', f'--reuid={nobody.pw_uid}', f'--regid={nobody.pw_gid}', '--clear-groups']}
    daemon = Daemon(arguments=['--user', 'nobody'], **options)
    try:
        yield daemon
    finally:
        daemon.remove()


def app(python, isolation, rootfs=None, **options):
    conf = python('isolated', isolation=isolation, **options)
    if rootfs is not None:
        conf['path'] = '/apps'
        conf['isolation'] = {'rootfs': str(rootfs), **isolation}
    return conf


# Privileges.


@root_only
def test_without_isolation_the_application_is_an_ordinary_process(unit, python):
    unit.serve({'a': python('isolated', user='nobody')})
    nobody = pwd.getpwnam('nobody')
    group = str(nobody.pw_gid)
    for pid in processes(unit, 'a'):
        uid, gid, groups = ids(pid)
        assert uid == [str(nobody.pw_uid)] * 4 and gid == [group] * 4
        assert sorted(groups) == sorted(map(str, os.getgrouplist('nobody', nobody.pw_gid)))
        no_privileges(pid)
        assert (status(pid)['NoNewPrivs'], status(pid)['Seccomp']) == ('0', '0')
        assert namespaces(pid) == namespaces('self')
        assert mounts(pid) == mounts()


@root_only
def test_router_and_controller_cannot_gain_privileges(unit):
    for name in ('router', 'controller'):
        pid = unit.pid(f'unit: {name}')
        no_privileges(pid)
        assert status(pid)['NoNewPrivs'] == '1'


@root_only
def test_new_privs(unit, python):
    unit.serve({'a': app(python, {'new_privs': False}), 'b': app(python, {'new_privs': True})})
    for name, value in (('a', '1'), ('b', '0')):
        assert [status(pid)['NoNewPrivs'] for pid in processes(unit, name)] == [value] * 2


# Namespaces.


@root_only
@pytest.mark.parametrize('name', NAMESPACES)
def test_each_namespace_alone(unit, python, name):
    unit.serve({'a': app(python, {'namespaces': {name: True}}, processes=2)})
    host = namespaces('self')
    prototype, _ = processes(unit, 'a')
    for pid in (prototype, *unit.pids('"a" application')):
        changed = {n for n, ns in namespaces(pid).items() if ns != host[n]}
        assert changed == {name}
        no_privileges(pid)
    assert unit.get().status == 200


@root_only
def test_all_namespaces_together(unit, python):
    unit.serve({'a': app(python, {'namespaces': dict.fromkeys(NAMESPACES, True)}, processes=2)})
    host = namespaces('self')
    prototype, application = processes(unit, 'a')
    assert {n for n, ns in namespaces(application).items() if ns != host[n]} == set(NAMESPACES)
    assert namespaces(application) == namespaces(prototype)
    seen = unit.get().json()
    assert seen['pid'] > 1 and seen['ppid'] == 1
    assert seen['interfaces'] == ['lo']
    assert status(prototype)['NSpid'].split()[1] == '1'


@root_only
def test_false_is_no_namespace(unit, python):
    unit.serve({'a': app(python, {'namespaces': dict.fromkeys(NAMESPACES, False)})})
    assert namespaces(processes(unit, 'a')[1]) == namespaces('self')


@root_only
def test_mounts_of_the_application_do_not_reach_the_host(unit, python):
    unit.serve({'a': app(python, {'namespaces': {'mount': True}})})
    _, pid = processes(unit, 'a')
    lines = pathlib.Path(f'/proc/{pid}/mountinfo').read_text()
    assert 'shared:' not in lines


# Process ids.


@root_only
def test_processes_in_a_pid_namespace_come_and_go(unit, python):
    pids = {'pid': True}
    unit.serve({'a': app(python, {'namespaces': pids}, processes={'max': 4, 'spare': 2, 'idle_timeout': 1})})
    wait_for(lambda: len(unit.pids('"a" application')) == 2, what='two processes')
    for _ in range(20):
        assert unit.get().status == 200
    victim = unit.pids('"a" application')[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not exists(victim), what='end of the process')
    unit.wait_log('(isolated ')
    wait_for(lambda: len(unit.pids('"a" application')) == 2, what='two processes again')
    for _ in range(20):
        assert unit.get().status == 200
    counts = lambda: unit.control('GET', '/status/applications/a/processes').json()
    wait_for(lambda: counts()['starting'] == 0, what='no process that starts')
    assert unit.control('GET', '/control/applications/a/restart').status == 200
    assert unit.get().status == 200


@root_only
def test_death_of_the_first_process_of_a_namespace_ends_the_others(unit, python):
    unit.serve({'a': app(python, {'namespaces': {'pid': True}}, processes=2)})
    prototype, _ = processes(unit, 'a')
    old = unit.pids('"a" application')
    os.kill(prototype, signal.SIGKILL)
    wait_for(lambda: not any(map(exists, old)), what='end of the processes')
    wait_for(lambda: unit.get().status == 200, what='the service again')


# Users and groups.


@root_only
def test_default_maps_of_a_privileged_daemon(unit, python):
    unit.serve({'a': app(python, {'namespaces': {'credential': True}}, user='nobody')})
    nobody = pwd.getpwnam('nobody')
    _, pid = processes(unit, 'a')
    for file, number in (('uid_map', nobody.pw_uid), ('gid_map', nobody.pw_gid)):
        assert pathlib.Path(f'/proc/{pid}/{file}').read_text().split() == [str(number), str(number), '1']
    assert pathlib.Path(f'/proc/{pid}/setgroups').read_text() == 'allow\n'
    seen = unit.get().json()
    assert (seen['uid'], seen['gid']) == ([nobody.pw_uid] * 3, [nobody.pw_gid] * 3)
    no_privileges(pid)


@root_only
def test_root_inside_is_an_ordinary_user_outside(unit, python):
    nobody = pwd.getpwnam('nobody')
    groups = os.getgrouplist('root', 0)
    maps = {'uidmap': [{'container': 0, 'host': nobody.pw_uid, 'size': 1}],
            'gidmap': [{'container': 0, 'host': 100000, 'size': max(groups) + 1}]}
    unit.serve({'a': app(python, {'namespaces': {'credential': True}, **maps}, user='root')})
    _, pid = processes(unit, 'a')
    uid, gid, _ = ids(pid)
    assert uid == [str(nobody.pw_uid)] * 4 and gid == ['100000'] * 4
    seen = unit.get().json()
    assert (seen['uid'], seen['gid'], seen['groups']) == ([0] * 3, [0] * 3, sorted(groups))


def refused(unit, conf, reason):
    """The reason stands in the answer and in the log, and nothing is left."""
    remains = Remains(unit)
    answer = unit.control('PUT', '/config', {
        'listeners': {f'127.0.0.1:{unit.port}': {'pass': 'applications/a'}}, 'applications': {'a': conf}})
    assert answer.status == 500, answer.text
    assert answer.json()['error'] == 'Failed to apply new configuration.'
    assert reason in answer.json()['detail'], answer.text
    unit.wait_log(reason)
    remains.check()
    unit.serve({'b': {'type': 'python', 'path': str(APPS), 'module': 'pid'}})
    assert unit.get().status == 200


@root_only
@pytest.mark.parametrize('isolation, reason', [
    ({'uidmap': [{'container': 1, 'host': 1, 'size': 1}]},
     '"uidmap" is set but "isolation.namespaces.credential" is false or unset'),
    ({'gidmap': [{'container': 1, 'host': 1, 'size': 1}]},
     '"gidmap" is set but "isolation.namespaces.credential" is false or unset'),
    ({'namespaces': {'credential': True}, 'uidmap': [{'container': 1, 'host': 1, 'size': 1}]},
     '"uidmap" field has no "container" entry for user "nobody"'),
    ({'namespaces': {'credential': True}, 'gidmap': [{'container': 1, 'host': 1, 'size': 1}]},
     '"gidmap" field has no "container" entry for gid'),
    ({'namespaces': {'credential': True, 'pid': True, 'mount': True},
      'uidmap': [{'container': 0, 'host': 0, 'size': 70000}, {'container': 0, 'host': 0, 'size': 2}]},
     'failed to write /proc/'),
    ({'rootfs': '/nonexistent/root'}, 'rootfs "/nonexistent/root" cannot be opened (2: No such file or directory)'),
    ({'rootfs': '/nonexistent/root', 'namespaces': {'mount': True}},
     'rootfs "/nonexistent/root" cannot be opened (2: No such file or directory)'),
    ({'rootfs': '/'}, 'rootfs requires an absolute path other than "/" but given "/"'),
    ({'rootfs': 'relative'}, 'rootfs requires an absolute path other than "/" but given "relative"'),
])
def test_a_failure_says_why_and_leaves_nothing(unit, python, isolation, reason):
    refused(unit, app(python, isolation, user='nobody'), reason)


@root_only
@pytest.mark.parametrize('namespaces', [{}, {'mount': True}])
def test_a_failure_after_mounting_leaves_nothing(rootfs, unit, python, namespaces):
    conf = app(python, {'namespaces': namespaces}, rootfs, working_directory='/nowhere')
    refused(unit, conf, 'chdir(/nowhere) failed (2: No such file or directory)')


@root_only
def test_a_place_that_cannot_be_made_leaves_nothing(rootfs, unit, python):
    (rootfs / 'tmp').write_text('not a directory')
    refused(unit, app(python, {}, rootfs), '/tmp')


@needs_cgroups
def test_a_cgroup_that_cannot_be_made_leaves_nothing(unit, python):
    top = cgroup_root()
    name = f'nxt-test-{os.getpid()}'
    for _ in range(3):
        # The second part is a file.
        refused(unit, app(python, {'cgroup': {'path': f'/{name}/cgroup.procs/leaf'}}), '(20: Not a directory)')
    assert not (top / name).exists()


# The root.



@root_only
@pytest.mark.parametrize('namespaces', [{}, {'mount': True}, dict.fromkeys(NAMESPACES, True)],
                         ids=['chroot', 'pivot_root', 'all'])
def test_rootfs(rootfs, unit, python, namespaces):
    remains = Remains(unit)
    conf = app(python, {'namespaces': namespaces}, rootfs, working_directory='/apps',
               environment={'ISOLATED': 'yes'}, processes=2)
    unit.serve({'a': conf})
    seen = unit.get(f'/?path={rootfs}&path=/dev/pts&path=/sys/kernel&path=/proc/self&path=/tmp').json()
    assert seen['exists'] == {str(rootfs): False, '/dev/pts': False, '/sys/kernel': False,
                              '/proc/self': True, '/tmp': True}
    assert {'apps', 'proc', 'tmp', 'usr'} <= set(seen['root']) <= {'apps', 'proc', 'tmp', 'usr', 'lib', 'root'}
    assert (seen['cwd'], seen['environment']) == ('/apps', 'yes')
    prototype, application = processes(unit, 'a')
    on_host = [m for m in mounts() if m.startswith(str(rootfs))]
    if namespaces:
        # The old root is out of reach, and the host sees nothing.
        assert on_host == []
        assert set(mounts(application)) >= {'/', '/proc', '/tmp'}
        assert not [m for m in mounts(application) if m.startswith('/sys')]
    else:
        # As with Unit, the host sees them.
        assert {str(rootfs / 'proc'), str(rootfs / 'tmp')} < set(on_host)
        assert os.readlink(f'/proc/{application}/root') == str(rootfs)
    no_privileges(application)
    unit.configure({'listeners': {}, 'applications': {}})
    remains.check()


@root_only
def test_automount(rootfs, unit, python):
    def places():
        return {os.path.relpath(m, rootfs).split('/')[0] for m in mounts() if m.startswith(str(rootfs))}

    language = None
    for left_out in (None, 'procfs', 'tmpfs'):
        automount = {left_out: False} if left_out else {}
        unit.serve({'a': app(python, {'automount': automount}, rootfs)})
        expected = {'proc', 'tmp'} - {{'procfs': 'proc', 'tmpfs': 'tmp'}.get(left_out)}
        wait_for(lambda: places() & {'proc', 'tmp'} == expected, what=f'{expected}, not {places()}')
        language = language or places() - expected
        assert language and places() == language | expected
        assert unit.get().status == 200
    unit.configure({'listeners': {}, 'applications': {}})
    wait_for(lambda: not places(), what='unmount')
    # Without the language there is no application, but no mount either.
    remains = Remains(unit)
    conf = app(python, {'automount': {'language_deps': False, 'tmpfs': False, 'procfs': False}}, rootfs)
    answer = unit.control('PUT', '/config/applications/a', conf)
    assert answer.status == 500
    remains.check()


@root_only
def test_flags_of_the_mounts(rootfs, unit, python):
    unit.serve({'a': app(python, {}, rootfs)})
    lines = {line.split()[4]: line for line in pathlib.Path('/proc/self/mountinfo').read_text().splitlines()}
    tmp = lines[str(rootfs / 'tmp')]
    for flag in ('nosuid', 'nodev', 'noexec', 'size=1024k'):
        assert flag in tmp
    assert 'nosuid' in lines[str(rootfs / 'proc')] and 'noexec' in lines[str(rootfs / 'proc')]
    assert (rootfs / 'tmp').stat().st_mode & 0o7777 == 0o1777


@root_only
def test_links_in_a_root_lead_no_mount_outside(rootfs, unit, python):
    outside = rootfs / 'outside'
    outside.mkdir()
    inner = rootfs / 'inner'
    shutil.copytree(APPS, inner / 'apps')
    (inner / 'tmp').symlink_to('../outside')
    (inner / 'outside').mkdir()
    unit.serve({'a': app(python, {}, inner)})
    assert unit.get().status == 200
    assert str(outside) not in mounts() and str(inner / 'outside') in mounts()


@root_only
def test_applications_share_a_root(rootfs, unit, python):
    remains = Remains(unit)
    one, two = app(python, {}, rootfs), app(python, {'automount': {'procfs': False}}, rootfs)
    unit.serve({'a': one})
    unit.configure({'type': 'python', **two}, '/config/applications/b')
    places = [m for m in mounts() if m.startswith(str(rootfs))]
    assert len(places) == len(set(places))
    # The first one leaves, the second still has what it needs.
    unit.serve({'b': two})
    wait_for(lambda: not unit.pids('"a" prototype'), what='end of the first')
    assert unit.control('GET', '/control/applications/b/restart').status == 200
    assert unit.get('/?path=/tmp').json()['exists'] == {'/tmp': True}
    unit.configure({'listeners': {}, 'applications': {}})
    remains.check()


@root_only
@pytest.mark.parametrize('namespaces', [{}, {'mount': True, 'pid': True}], ids=['chroot', 'pivot_root'])
def test_death_of_the_prototype_leaves_nothing(rootfs, unit, python, namespaces):
    remains = Remains(unit)
    unit.serve({'a': app(python, {'namespaces': namespaces}, rootfs)})
    before = collections.Counter(mounts())
    for _ in range(3):
        prototype, _ = processes(unit, 'a')
        os.kill(prototype, signal.SIGKILL)
        assert not wait_for_end([prototype])
        wait_for(lambda: unit.get().status == 200, what='the service again')
    wait_for(lambda: collections.Counter(mounts()) <= before, what='the mounts of before')
    unit.configure({'listeners': {}, 'applications': {}})
    remains.check()


@needs_cgroups
def test_death_of_main_leaves_nothing(rootfs, unit, python):
    top = cgroup_root()
    path = f'/nxt-test-{os.getpid()}/leaf'
    unit.serve({'a': app(python, {'cgroup': {'path': path}}, rootfs, processes=2)})
    tree = unit.processes()
    assert [m for m in mounts() if m.startswith(str(rootfs))]
    unit.process.kill()
    unit.process.wait(30)
    assert not wait_for_end(tree)
    assert not [m for m in mounts() if m.startswith(str(rootfs))]
    assert not (top / path.strip('/')).parent.exists()
    unit.process = None


@needs_cgroups
def test_end_of_the_daemon_leaves_nothing(rootfs, unit, python):
    top = cgroup_root()
    path = f'/nxt-test-{os.getpid()}/leaf'
    unit.serve({'a': app(python, {'cgroup': {'path': path}}, rootfs)})
    assert unit.stop() == 0
    assert not [m for m in mounts() if m.startswith(str(rootfs))]
    assert not (top / path.strip('/')).parent.exists()


@root_only
def test_applications_hold_no_descriptor_of_a_mount(rootfs, unit, python):
    unit.serve({'a': app(python, {}, rootfs), 'b': python('pid')},
               {f'127.0.0.1:{unit.port}': {'pass': 'applications/a'}})
    def others():
        return [p for p, t in unit.processes().items() if 'main' not in t and 'guard' not in t]

    pids = wait_for(lambda: len(others()) == 6 and others(), what='six processes')
    for pid in pids:
        held = links(pid)
        assert held and not [link for link in held if link.startswith(str(rootfs)) or 'cgroup' in link], held


CLONE3, OPENAT2 = 435, 437


@root_only
@pytest.mark.parametrize('namespaces', [{}, dict.fromkeys(NAMESPACES, True)], ids=['chroot', 'all'])
def test_an_old_kernel(rootfs, python, namespaces):
    wrapper = pathlib.Path(__file__).parent / 'old_kernel.py'
    daemon = Daemon(prefix=[sys.executable, wrapper, f'{CLONE3},{OPENAT2}'])
    try:
        daemon.serve({'a': app(python, {'namespaces': namespaces}, rootfs)})
        _, pid = processes(daemon, 'a')
        seen = daemon.get('/?path=/proc/self').json()
        assert seen['exists'] == {'/proc/self': True}
        assert status(pid)['Seccomp'] == '2'
        assert (seen['ppid'] == 1) is bool(namespaces)
        no_privileges(pid)
        assert daemon.stop() == 0
    finally:
        daemon.remove()


# Control groups.


@needs_cgroups
def test_cgroup(unit, python):
    top = cgroup_root()
    name = f'nxt-test-{os.getpid()}'
    own = own_cgroup(unit.process.pid)
    remains = Remains(unit)
    for path, group in ((f'/{name}/a', f'/{name}/a'), (f'{name}/b', os.path.join(own, name, 'b'))):
        unit.serve({'a': app(python, {'cgroup': {'path': path}}, processes=2)})
        wait_for(lambda: len(unit.pids('"a" prototype')) == 1, what='end of the prototype of before')
        pids = unit.pids('"a" prototype') + unit.pids('"a" application')
        assert [own_cgroup(pid) for pid in pids] == [group] * 3
    assert own_cgroup(unit.process.pid) == own
    wait_for(lambda: not (top / name / 'a').exists(), what='the group of before to go')
    unit.configure({'listeners': {}, 'applications': {}})
    remains.check()


@needs_cgroups
def test_a_cgroup_is_shared_and_what_others_made_stays(unit, python):
    top = cgroup_root()
    name = f'nxt-test-{os.getpid()}'
    theirs = top / name
    theirs.mkdir()
    try:
        conf = app(python, {'cgroup': {'path': f'/{name}/leaf'}})
        listeners = {f'127.0.0.1:{unit.port}': {'pass': 'applications/b'}}
        unit.serve({'a': conf, 'b': conf}, listeners)
        assert own_cgroup(processes(unit, 'a')[1]) == own_cgroup(processes(unit, 'b')[1]) == f'/{name}/leaf'
        unit.serve({'b': conf}, listeners)
        wait_for(lambda: not unit.pids('"a" prototype'), what='end of the first')
        assert (theirs / 'leaf').is_dir() and unit.get().status == 200
        unit.configure({'listeners': {}, 'applications': {}})
        wait_for(lambda: not (theirs / 'leaf').exists(), what='removal')
        assert theirs.is_dir()
    finally:
        theirs.rmdir()


@needs_cgroups
def test_the_cgroup_is_the_root_of_its_namespace(unit, python):
    name = f'nxt-test-{os.getpid()}'
    unit.serve({'a': app(python, {'cgroup': {'path': f'/{name}'}, 'namespaces': {'cgroup': True}})})
    _, pid = processes(unit, 'a')
    inside = subprocess.run(['nsenter', '-t', str(pid), '-C', 'cat', f'/proc/{pid}/cgroup'],
                            capture_output=True, text=True, check=True).stdout
    assert '0::/\n' in inside


# An ordinary user.


def test_an_ordinary_user_maps_itself(ordinary, python):
    ordinary.serve({'a': app(python, {'namespaces': {'credential': True}})})
    nobody = pwd.getpwnam('nobody')
    own = status(ordinary.process.pid)
    uid, gid = own['Uid'].split()[0], own['Gid'].split()[0]
    _, pid = processes(ordinary, 'a')
    assert pathlib.Path(f'/proc/{pid}/uid_map').read_text().split() == [str(nobody.pw_uid), uid, '1']
    assert pathlib.Path(f'/proc/{pid}/gid_map').read_text().split() == [str(nobody.pw_gid), gid, '1']
    assert pathlib.Path(f'/proc/{pid}/setgroups').read_text() == 'deny\n'
    no_privileges(pid)
    assert ordinary.get().json()['uid'] == [nobody.pw_uid] * 3


def test_an_ordinary_user_gives_a_new_root(rootfs, ordinary, python):
    if os.geteuid() == 0:
        shutil.chown(rootfs, 'nobody')
    kinds = {'credential': True, 'mount': True, 'pid': True}
    ordinary.serve({'a': app(python, {'namespaces': kinds}, rootfs)})
    seen = ordinary.get(f'/?path={rootfs}&path=/proc/self').json()
    assert seen['exists'] == {str(rootfs): False, '/proc/self': True}
    no_privileges(processes(ordinary, 'a')[1])
    ordinary.configure({'listeners': {}, 'applications': {}})


def ordinary_refused(daemon, conf, reason):
    answer = daemon.control('PUT', '/config/applications', {'a': conf})
    assert answer.status == 500 and reason in answer.json()['detail'], answer.text
    daemon.wait_log(reason)


def test_what_an_ordinary_user_may_not(rootfs, ordinary, python):
    credential = {'namespaces': {'credential': True}}
    range_ = {'container': 65534, 'host': 0, 'size': 1}
    for isolation, reason in (
            ({'namespaces': {'network': True}}, '(1: Operation not permitted)'),
            ({'rootfs': str(rootfs)}, 'The "rootfs" field requires privileges'),
            ({**credential, 'uidmap': [range_]}, 'unprivileged unit can only map itself'),
            ({**credential, 'uidmap': [range_] * 2}, 'unprivileged unit has a maximum of 1 map.'),
            ({**credential, 'gidmap': [range_]}, 'unprivileged unit can only map itself')):
        ordinary_refused(ordinary, app(python, isolation), reason)
