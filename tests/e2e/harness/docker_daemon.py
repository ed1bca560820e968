"""A Docker daemon of a test's own, beside any other: its containers, images, sockets and control groups are its alone.

    with DockerDaemon(images=docker_daemon.find_image("postgres")) as daemon:
        daemon.socket                                # a path: http+unix, curl --unix-socket, runtime.dockerSocket
        daemon.docker("run", "--rm", "--network", "none", docker_daemon.POSTGRES_IMAGE, "true")

There is no network but `none` and `host`, and no firewall rule is touched. All files, mounts and processes are below or
named after one scratch directory; machine.clear_away() removes what is left of a killed run, its containers included.

The images come from tests/images/setup, which keeps a daemon's whole store. It is not loaded but linked: a store's layers
are never written to, so hard links of them do, and a daemon with images is there in about two seconds.
"""

import http.client
import os
import pathlib
import shutil
import socket
import subprocess

from . import machine

SETUP = pathlib.Path(__file__).resolve().parents[2] / "images" / "setup"
POSTGRES_IMAGE = "ramet-postgres:15"
DOCKER = "/usr/bin/docker"  # of the daemon's package: another one in PATH may be too new for it

LONGEST_PATH = 107 - len("/r/libnetwork/0123456789ab.sock")

# Without the plugins of Kubernetes and of other file systems.
CONTAINERD_CONFIG = """\
version = 2
root = "{directory}/containerd"
state = "{directory}/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
                    "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = "{directory}/containerd.sock"
"""


class NoImage(Exception):
    """tests/images/setup could not make it; the text says why."""


def find_image(kind):
    """The directory of tests/images/setup for "postgres" or "programs": store/, and for postgres rootfs/."""
    done = subprocess.run([SETUP, kind], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise NoImage((done.stderr.strip() or done.stdout.strip() or f"{SETUP} failed").splitlines()[-1])
    return pathlib.Path(done.stdout.splitlines()[-1])


_shared = None


def shared():
    """The one daemon of this process, with the image of PostgreSQL; close_shared() ends it."""
    global _shared
    if not _shared:
        _shared = DockerDaemon(images=find_image("postgres"))
        _shared.__enter__()
    return _shared


def close_shared():
    global _shared
    if _shared:
        _shared.close()
        _shared = None


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def link_tree(source, target):
    """A copy of a daemon's store: files of layers are linked where the file system can, the rest is copied."""
    def ignored(directory, names):
        """Layers, and a device that the daemon makes itself."""
        return {"overlay2" if pathlib.Path(directory) == source else "backingFsBlockDev"} & set(names)

    shutil.copytree(source, target, symlinks=True, ignore=ignored)
    layers = source / "overlay2"
    if subprocess.run(["cp", "-al", layers, target], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        shutil.rmtree(target / "overlay2", ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", layers, target], check=True)


class DockerDaemon:
    """`images` is a directory of find_image(); `store` a store of the caller's own, which stays. Without them it has no image."""

    def __init__(self, images=None, store=None, directory=None):
        self.directory = directory or machine.make_scratch()
        self.socket = self.directory / "docker.sock"
        self.store = store or self.directory / "store"
        self.cgroup_parent = machine.docker_cgroup_of(self.directory)
        self._log_path = self.directory / "docker.log"
        self._processes = []
        self._system_files = [path for path in map(pathlib.Path, ("/etc/docker/key.json", "/etc/docker")) if not path.exists()]
        if images:
            link_tree(images / "store", self.store)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    # --- life -------------------------------------------------------------------------------

    def start(self):
        """containerd is started here, as Docker would share the system's if there is one."""
        if len(os.fsencode(self.directory)) > LONGEST_PATH:
            raise NoImage(f"{self.directory}: too long for Docker's sockets below it, {LONGEST_PATH} bytes would do")
        containerd_config = self.directory / "containerd.toml"
        containerd_config.write_text(CONTAINERD_CONFIG.format(directory=self.directory))
        daemon_config = self.directory / "daemon.json"
        daemon_config.write_text("{}")
        self._run_in_background(["containerd", "--config", containerd_config])
        machine.wait_for((self.directory / "containerd.sock").exists, 30, "the socket of containerd")
        self._run_in_background(
            ["dockerd", "--config-file", daemon_config, "--containerd", self.directory / "containerd.sock",
             "--data-root", self.store, "--exec-root", self.directory / "r",
             "--pidfile", self.directory / "docker.pid", "--host", f"unix://{self.socket}",
             "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", self.cgroup_parent,
             "--bridge", "none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"])
        machine.wait_for(self._answers, 60, "an answer of dockerd")
        return self

    def _run_in_background(self, command):
        with self._log_path.open("ab") as log:
            try:
                process = subprocess.Popen(list(map(str, command)), cwd=self.directory, stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log)
            except FileNotFoundError as error:
                raise NoImage(f"{command[0]} is not installed: {error}") from error
        self._processes.append(process)

    def _answers(self):
        for process in self._processes:
            assert process.poll() is None, f"{process.args[0]} ended with status {process.returncode}:\n{self.log()[-3000:]}"
        try:
            connection = UnixConnection(self.socket)
            connection.request("GET", "/_ping")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def log(self):
        return self._log_path.read_text(errors="replace")

    def stop(self):
        """The containers go, the store stays."""
        if self._processes and self._processes[-1].poll() is None and self.socket.exists():
            containers = self.docker("ps", "--all", "--quiet", check=False).stdout.split()
            if containers:
                self.docker("rm", "--force", "--volumes", *containers, check=False)
        self.stop_processes()

    def stop_processes(self):
        """As a restart of the machine's engine does: its containers end, and are still there when it starts again."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def close(self):
        """Stops it and removes all of it, with what a test has left running; proves that nothing is left."""
        try:
            self.stop()
        finally:
            machine.clear_away(self.directory)
            for path in self._system_files:
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()
                elif path.is_file():
                    path.unlink()

    # --- use --------------------------------------------------------------------------------

    def docker(self, *arguments, check=True, timeout=600, **options):
        """Runs the client; its output is captured unless stdout= is given."""
        command = [DOCKER, "--host", f"unix://{self.socket}", "--config", str(self.directory / "client"), *map(str, arguments)]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options
        done = subprocess.run(command, text=True, timeout=timeout * machine.PATIENCE, check=False,
                              env=os.environ | {"DOCKER_BUILDKIT": "0"}, **options)
        assert not check or done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}"
        return done
