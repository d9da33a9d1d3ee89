"""Prints the directories that a Python application needs inside an isolated
root file system, as the table of mounts that the module hands to unitd."""

import os.path
import sys

version = 'python%d.%d' % sys.version_info[:2]
paths = [p for p in sys.path[1:] if p]
base = next((p for p in paths if os.path.basename(p) == version), None)

if base is None:
    sys.exit('cannot find the standard library in sys.path: %r' % (paths,))

# What lies below the standard library comes with it.
mounts = [base] + [p for p in paths if not p.startswith(base)]

print('static const nxt_fs_mount_t  nxtpy_mounts[] = {')

for path in mounts:
    quoted = path.replace('\\', '\\\\').replace('"', '\\"')
    print('    {')
    print('        .src = (u_char *) "%s",' % quoted)
    print('        .dst = (u_char *) "%s",' % quoted)
    print('        .type = NXT_FS_BIND,')
    print('        .name = (u_char *) "bind",')
    print('        .builtin = 1,')
    print('        .deps = 1,')
    print('    },')

print('};')
