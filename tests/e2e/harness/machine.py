"""Scratch directories, free ports, and finding (and clearing away) whatever belongs to a directory.

Everything of a run lives under scratch directories named after the process that made them:
/tmp/ramet-e2e-<pid>-<random>. So leftovers can be told from other people's things, and a directory
whose process is gone is from a run that was killed.
"""

import contextlib
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PREFIX = "ramet-e2e-"
RUNTIME = os.environ.get("RAMET_TEST_RUNTIME", "oci")  # of the servers; "image": oci in the root of one
PATIENCE = float(os.environ.get("RAMET_TEST_PATIENCE", "1"))  # stretches every time limit, for slow machines

_PORTS = range(20000, 32000)  # below those of outgoing connections
_PORTS_A_REGION = 1000
_port_claims = []  # a socket for each region that is this process' own
_ports_left = []


def make_scratch():
    """A new directory that user postgres can enter."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    path.chmod(0o755)
    return path


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _claim_port_region():
    """A region of ports that no other run of these tests uses while this process lives: a socket of its name says so."""
    regions = [_PORTS[n:n + _PORTS_A_REGION] for n in range(0, len(_PORTS), _PORTS_A_REGION)]
    for region in random.sample(regions, len(regions)):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0ramet-e2e-ports-{region.start}")
        except OSError:
            claim.close()
            continue
        _port_claims.append(claim)
        return region
    raise AssertionError(f"all of the ports {_PORTS} are claimed by runs of these tests")


def free_ports(count):
    """The first of so many adjacent ports that are free, and given to nobody else."""
    assert count <= _PORTS_A_REGION
    while True:
        if len(_ports_left) < count:
            _ports_left[:] = _claim_port_region()
        ports, _ports_left[:] = _ports_left[:count], _ports_left[count:]
        if all(map(_is_free, ports)):
            return ports[0]


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(check, timeout, what):
    """The first true result of check()."""
    deadline = time.monotonic() + timeout * PATIENCE
    while not (result := check()):
        assert time.monotonic() < deadline, f"{what}: still not after {timeout * PATIENCE:g} s"
        time.sleep(0.02)
    return result


def _read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def docker_cgroup_of(directory):
    """The parent of the control groups of a Docker daemon's containers whose scratch directory that is."""
    return f"/{directory.name}-docker"


def hash_of_state(state):
    """How a server with that state directory names what it has on the whole machine."""
    return hashlib.sha256(os.fsencode(state)).hexdigest()[:12]


def cgroup_names_of(directory):
    """How the control groups of containers begin whose server, or Docker daemon, has its state in the directory."""
    states = [directory / "state", *directory.glob("*/state")]
    return [docker_cgroup_of(directory),
            *(f"/ramet/{of}{hash_of_state(state)}-" for state in states for of in ("", "of-"))]


def cgroups_of(directory):
    """Their directories, in all hierarchies."""
    roots = [pathlib.Path("/sys/fs/cgroup"), *pathlib.Path("/sys/fs/cgroup").iterdir()]
    return [group for root in roots for name in cgroup_names_of(directory) for group in root.glob(f"{name[1:]}*")]


def command_line(pid):
    """Of a process; "" when it has ended."""
    return _read(pathlib.Path(f"/proc/{pid}/cmdline")).replace(b"\0", b" ").decode(errors="replace").strip()


def processes_of(directory):
    """{pid: command line} of the living processes that work in the directory, were given it, or are in its containers."""
    needle = f"{directory}/".encode()
    cgroups = [name.encode() for name in cgroup_names_of(directory)]
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            cwd = os.readlink(process / "cwd")
        except OSError:
            continue  # it ended, or is a zombie
        words = _read(process / "cmdline")
        in_container = any(name in _read(process / "cgroup") for name in cgroups)
        if in_container or needle in f"{cwd}/".encode() + words + _read(process / "environ"):
            found[int(process.name)] = words.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def mounts_of(directory):
    """Mount points below the directory, innermost first."""
    points = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    points = [re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), point) for point in points]
    return sorted((point for point in points if point.startswith(f"{directory}/")), reverse=True)


def loop_devices_of(directory):
    listing = subprocess.run(["losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"],
                             capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in listing.splitlines() if f"{directory}/" in line]


def zfs_pools_of(directory):
    """Imported ZFS pools that live in files of the directory."""
    if not pathlib.Path("/dev/zfs").exists():
        return []
    listing = subprocess.run(["zpool", "list", "-HvP"], capture_output=True, text=True, check=False).stdout
    pools, pool = [], None
    for line in listing.splitlines():
        name = line.split("\t")
        if not line.startswith("\t"):
            pool = name[0]
        elif name[1].strip().startswith(f"{directory}/"):
            pools.append(pool)
    return pools


def remove_cgroups(directory):
    """With those inside of them; their processes have ended."""
    for group in cgroups_of(directory):
        for inner in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            inner.rmdir()
        group.rmdir()


def shim_sockets_of(directory):
    """Of a containerd's helpers: it keeps them in a place of its own that no option moves."""
    notes = map(_read, directory.glob("run/containerd/io.containerd.runtime.v2.task/*/*/address"))
    return [pathlib.Path(note.decode().removeprefix("unix://")) for note in notes if note]


def sockets_of(directory):
    lines = pathlib.Path("/proc/net/unix").read_text(errors="replace").splitlines()
    return [line.split()[-1] for line in lines if f"{directory}/" in line]


def unmount(directory):
    for pool in zfs_pools_of(directory):
        subprocess.run(["zpool", "destroy", "-f", pool], check=False)
    for point in mounts_of(directory):
        subprocess.run(["umount", point], check=True)
    # A loop device that was mounted goes by itself, a moment later.
    try:
        wait_for(lambda: not loop_devices_of(directory), 1, "loop devices")
    except AssertionError:
        for device in loop_devices_of(directory):
            subprocess.run(["losetup", "--detach", device], check=False)


def leftovers(directory):
    """What is still there of a directory, as text; "" is what a test should leave."""
    found = {"processes": processes_of(directory), "control groups": cgroups_of(directory),
             "sockets": sockets_of(directory),
             "mounts": mounts_of(directory), "loop devices": loop_devices_of(directory),
             "ZFS pools": zfs_pools_of(directory)}
    return "; ".join(f"{kind}: {things}" for kind, things in found.items() if things)


def kill_all(directory):
    """What one of them was about to start is ended as well."""
    def kill_those_there():
        pids = processes_of(directory)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids

    wait_for(kill_those_there, 10, f"end of the processes of {directory}")


def clear_away(directory):
    """By force: processes, mounts, loop devices, files."""
    kill_all(directory)
    for path in shim_sockets_of(directory):
        path.unlink(missing_ok=True)
    remove_cgroups(directory)
    unmount(directory)
    shutil.rmtree(directory, ignore_errors=True)


def clear_killed_runs():
    """Clears away the directories of runs whose process is gone."""
    for directory in pathlib.Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = directory.name.removeprefix(PREFIX).split("-")[0]
        if not pathlib.Path("/proc", pid).exists():
            clear_away(directory)
