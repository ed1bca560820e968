"""A mount that hangs: a FUSE that answers the kernel's greeting, and nothing else until it is released."""

import contextlib
import ctypes
import os
import select
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
MS_NOSUID, MS_NODEV, MNT_DETACH = 2, 4, 2
IN_HEADER = struct.Struct("<IIQ")  # length, operation, unique; more follows
OUT_HEADER = struct.Struct("<IiQ")  # length, error, unique
INIT_ANSWER = struct.pack("<IIIIHHI36x", 7, 23, 0, 0, 1, 1, 4096)  # FUSE 7.23


class HangingMount:
    def __init__(self, path):
        self.path = os.fsencode(path)
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if LIBC.mount(b"hanging", self.path, b"fuse", MS_NOSUID | MS_NODEV, options) != 0:
            error = ctypes.get_errno()
            os.close(self.device)
            raise OSError(error, f"mounting a hanging FUSE: {os.strerror(error)}")
        _, _, unique = IN_HEADER.unpack_from(os.read(self.device, 1 << 16))
        os.write(self.device, OUT_HEADER.pack(OUT_HEADER.size + len(INIT_ANSWER), 0, unique) + INIT_ANSWER)

    def is_asked(self):
        """Somebody asks it, and waits."""
        return bool(select.select([self.device], [], [], 0)[0])

    def release(self):
        """Whoever waits gets an error, and what lies beneath is there again."""
        LIBC.umount2(self.path, MNT_DETACH)
        os.close(self.device)


@contextlib.contextmanager
def hanging(path):
    mount = HangingMount(path)
    try:
        yield mount
    finally:
        mount.release()
