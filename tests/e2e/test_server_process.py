"""rametd as a process: how it starts, what it takes, how it ends. Its server has a pool and no data."""

import errno
import os
import signal
import subprocess

import pytest

from harness import machine


@pytest.fixture(scope="module")
def module_server(make_server):
    return make_server().start()


def test_closed_descriptors_are_not_taken_by_its_files(server):
    """Started without descriptors 0 to 2: what is logged must not go into the store."""
    server.stop()
    command = f"exec {server.build}/rametd --config {server.config_path} <&- >&- 2>&-"
    server.process = subprocess.Popen(["/bin/sh", "-c", command], cwd="/")
    server.wait_ready()
    links = {fd: os.readlink(f"/proc/{server.process.pid}/fd/{fd}") for fd in (0, 1, 2)}
    assert links == {0: "/dev/null", 1: "/dev/null", 2: "/dev/null"}
    server.restart(kill=False)


@pytest.mark.skipif(machine.RUNTIME not in ("oci", "image"), reason="it is held at its start by a crun that waits")
def test_hang_up_before_it_serves_does_not_end_it(server):
    server.stop()
    crun = server.crun.readlink()
    pipe = server.directory / "pipe"
    os.mkfifo(pipe)
    server.crun.unlink()
    server.crun.write_text(f'#!/bin/sh\nread line < {pipe}\nrm -f {server.crun}; ln -s {crun} {server.crun}\nexec {crun} "$@"\n')
    server.crun.chmod(0o755)
    server.start(wait=False)
    machine.wait_for(lambda: open_to_write(pipe, server.process), 20, "the server's look at crun")
    server.wait_ready()
    server.stop()
    pipe.unlink()
    server.start()


def open_to_write(pipe, process):
    """Once somebody reads the pipe: sends the signal, and lets the reader go on. False before."""
    try:
        writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        assert error.errno == errno.ENXIO, error
        return False
    process.send_signal(signal.SIGHUP)
    os.write(writer, b"go on\n")
    os.close(writer)
    return True
