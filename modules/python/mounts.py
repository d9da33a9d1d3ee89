"""Prints the directories that a Python application needs inside an isolated root file system, one
a line: the module hands them to unitd as its table of mounts."""

import os.path
import sys

version = 'python%d.%d' % sys.version_info[:2]
paths = [p for p in sys.path[1:] if p]
base = next((p for p in paths if os.path.basename(p) == version), None)

if base is None:
    sys.exit('cannot find the standard library in sys.path: %r' % (paths,))

# What lies below the standard library comes with it.
for path in [base] + [p for p in paths if not p.startswith(base)]:
    print(path)
