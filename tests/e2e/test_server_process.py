"""rametd as a process: how it starts, what it takes, how it ends. Its server has a pool and no data."""

import collections
import concurrent.futures
import contextlib
import errno
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess

import pytest

from harness import machine
from harness.server import merge


@pytest.fixture(scope="module")
def module_server(make_server):
    return make_server().start()


@pytest.mark.skipif(machine.RUNTIME == "process", reason="the process runtime does not isolate")
def test_settings_of_the_machine_are_told(server):
    """The doctor is clean with them: nothing on record is amiss."""
    room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE") // 128
    low = {name for name in ("fs.epoll.max_user_watches", "fs.file-max")
           if int(pathlib.Path("/proc/sys", name.replace(".", "/")).read_text()) < room}
    report = server.api.get("/doctor")
    assert report["clean"] and {notice["name"] for notice in report["notices"]} == low
    told = [line for line in server.log().splitlines() if "lets one clone stop others" in line]
    assert {name for name in low if any(f"setting={name}" in line for line in told)} == low
    assert low or not told


def test_example_of_a_configuration_is_right(server):
    """What packaging installs for a first server: no error, and no warning."""
    example = pathlib.Path(__file__).parents[2] / "packaging/server.example.yml"
    done = subprocess.run([server.build / "rametd", "--config", example, "--check-config"], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], "RAMET_TOKEN": "a-token-of-the-environment"}, check=False)
    assert done.returncode == 0 and "no errors" in done.stdout + done.stderr, done
    assert "warning" not in done.stdout + done.stderr, done


def test_closed_descriptors_are_not_taken_by_its_files(server):
    """Started without descriptors 0 to 2: what is logged must not go into the store."""
    server.stop()
    command = f"exec {server.build}/rametd --config {server.config_path} <&- >&- 2>&-"
    server.process = subprocess.Popen(["/bin/sh", "-c", command], cwd="/")
    server.wait_ready()
    links = {fd: os.readlink(f"/proc/{server.process.pid}/fd/{fd}") for fd in (0, 1, 2)}
    assert links == {0: "/dev/null", 1: "/dev/null", 2: "/dev/null"}
    server.restart(kill=False)


def test_reload(server):
    """SIGHUP: what may be reloaded holds at once, what may not is named, and a file with errors changes nothing."""
    text = server.config_path.read_text()
    machine.wait_for(lambda: " ready " in server.log().rsplit("runtime driver")[-1], 20, "its handler of signals")

    def reload(changes):
        start = len(server.log())
        server.config_path.write_text(changes if isinstance(changes, str) else json.dumps(merge(server.config, changes)))
        server.process.send_signal(signal.SIGHUP)
        machine.wait_for(lambda: "looked for pools" in server.log()[start:], 20, "the end of the reload")
        return server.log()[start:]

    def lease():
        return server.api.get("/status")["cloning"].get("protectionLeaseDurationMinutes")

    try:
        told = reload({"cloning": {"protectionLeaseDurationMinutes": 77}, "postgres": {"osUser": "daemon"}})
        assert lease() == 77
        assert "changed option=cloning.protectionLeaseDurationMinutes" in told.replace('"', "")
        assert "waits for a restart option=postgres.osUser" in told.replace('"', "")
        assert "before holds" in reload("server: {port: many}\n") and lease() == 77
        told = reload({"runtime": {"driver": "docker"},
                       "provision": {"dockerImage": "postgres:15", "containerConfig": {"security-opt": "label=disable"}},
                       "cloning": {"protectionLeaseDurationMinutes": 78}})
        assert "does not fit runtime.driver" in told and lease() == 77, "of the new driver, which holds after a restart"
    finally:
        reload(text)
    assert lease() is None


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


# --- strangers ---------------------------------------------------------------------------------


def test_half_requests_without_token_keep_nobody_out(server, api):
    """More than an address may have, each with a request that never comes to its end."""
    with contextlib.ExitStack() as stack:
        for n in range(400):
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            stranger.sendall(b"POST /clone HTTP/1.1\r\nHost: x\r\nContent-Length: 1000"[:20 + n % 30])
        assert api.get("/clones") == []
        other = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10, source_address=("127.0.0.2", 0))
        other.request("GET", "/clones", headers={"Verification-Token": api.token})
        assert other.getresponse().status == 200
        other.close()


# --- nothing is kept ---------------------------------------------------------------------------

KEPT_KB = 4096  # what a heap may still grow by after its first requests


def requests_of_all_kinds(api, rounds):
    """Good and bad, with and without token, in parallel; how many got which status."""
    shapes = [
        ("GET", "/healthz", None, None), ("GET", "/status", None, None), ("GET", "/clones", None, None),
        ("GET", "/snapshots", None, None), ("GET", "/doctor", None, None), ("GET", "/status", None, "wrong"),
        ("GET", "/a&b<c>", None, None), ("GET", "/clone/a&b", None, None), ("GET", "/snapshots?branch=<&>", None, None),
        ("POST", "/clone", b"{", None), ("POST", "/clone", {"id": "<&>"}, None), ("POST", "/clone", b"{}" * 5000, "wrong"),
        ("POST", "/clone", {"id": "a", "ID": "b"}, None), ("POST", "/snapshot/clone", {"cloneID": "&"}, None),
        ("PATCH", "/clone/a", {"limits": None}, None), ("PATCH", "/snapshot/e2e@&", {"protected": True}, None),
        ("DELETE", "/clone/<&>", None, None), ("PUT", "/clone", None, None), ("POST", "/snapshot", {"poolName": "&"}, None),
    ]
    with concurrent.futures.ThreadPoolExecutor(8) as workers:
        answers = workers.map(lambda shape: api.call(*shape[:3], token=shape[3]), shapes * rounds)
        return collections.Counter(answer.status for answer in answers)


def footprint(process):
    """Memory in kB, descriptors, threads."""
    status = dict(line.split(":", 1) for line in open(f"/proc/{process.pid}/status"))
    return int(status["VmRSS"].split()[0]), len(os.listdir(f"/proc/{process.pid}/fd")), int(status["Threads"])


def test_requests_leave_nothing(server, api):
    requests_of_all_kinds(api, 20)
    memory, descriptors, threads = footprint(server.process)
    assert set(requests_of_all_kinds(api, 40)) <= {200, 400, 401, 404, 405}
    machine.wait_for(lambda: footprint(server.process)[1] <= descriptors, 60, "its descriptors back")
    after = footprint(server.process)
    assert after[0] <= memory + KEPT_KB and after[2] <= threads, (memory, threads, after)


def test_end_with_a_request_half_sent(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as stranger:
        stranger.sendall(b"GET /clo")
        assert server.stop() == 0
    server.start()
