"""Small disks in a mount namespace that ends with the campaign: mount(2), umount2(2), unshare(2)."""

import ctypes
import os

MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE, MNT_DETACH, CLONE_NEWNS = 1, 32, 16384, 1 << 18, 2, 0x20000
libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind, flags, options, must=True):
    done = libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()) == 0
    if not done and must:
        raise OSError(ctypes.get_errno(), f"{target} cannot be mounted: {os.strerror(ctypes.get_errno())}")
    return done


def leave_mount_namespace():
    """Moves this process to its own mount namespace; returns False if that is not permitted."""
    if libc.unshare(CLONE_NEWNS) != 0:
        return False
    return libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0


def unmount(target):
    """Unmounts at once, even while files are open there."""
    libc.umount2(target.encode(), MNT_DETACH)
