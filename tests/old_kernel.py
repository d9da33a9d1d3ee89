"""Runs a command on a kernel that lacks system calls: old_kernel.py NUMBERS COMMAND...

NUMBERS are separated by commas; these calls fail with ENOSYS in the command and its descendants.
"""

import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_NUMBER, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000 | errno.ENOSYS

numbers = [int(n) for n in sys.argv[1].split(',')]
program = [(LOAD_NUMBER, 0, 0, 0)]
for left, number in enumerate(reversed(numbers)):
    program.insert(1, (JUMP_IF_EQUAL, left + 1, 0, number))
program += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, FAIL)]
code = b''.join(struct.pack('HBBI', *step) for step in program)


class Program(ctypes.Structure):
    _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.c_char_p)]


libc = ctypes.CDLL(None, use_errno=True)
if os.geteuid() != 0 and libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
    sys.exit(f'no_new_privs: {os.strerror(ctypes.get_errno())}')
if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Program(len(program), code)), 0, 0):
    sys.exit(f'seccomp: {os.strerror(ctypes.get_errno())}')
os.execvp(sys.argv[2], sys.argv[2:])
