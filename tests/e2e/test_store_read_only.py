"""The state directory's file system is full, or turns read-only while the server runs, as ext4 does after an error of its disk."""

import pathlib
import subprocess

import pytest

from harness import machine
from harness.api import answers, query, value


class StateDisk:
    """An ext4 of its own for the state directory."""

    def __init__(self):
        self.directory = machine.make_scratch()
        self.mount = self.directory / "state"
        self.image = self.directory / "state.img"
        with self.image.open("wb") as file:
            file.truncate(64 << 20)
        subprocess.run(["mkfs.ext4", "-q", self.image], check=True)
        self.mount.mkdir()
        self._mount()

    def _mount(self):
        subprocess.run(["mount", "-o", "loop,errors=remount-ro", self.image, self.mount], check=True)

    def fail(self):
        device = subprocess.run(["findmnt", "-no", "SOURCE", self.mount], check=True, capture_output=True, text=True).stdout
        trigger = pathlib.Path("/sys/fs/ext4", pathlib.Path(device.strip()).name, "trigger_fs_error")
        if not trigger.exists():
            pytest.skip(f"this kernel has no {trigger}")
        trigger.write_text("1")

    def _unmount(self):
        """With the clones' socket directories, which are mounts of their own in it."""
        for point in [*machine.mounts_of(self.mount), self.mount]:
            if subprocess.run(["umount", point], capture_output=True, check=False).returncode != 0:
                return False
        return True

    def repair(self):
        """As a reboot does it: everything that has a file open there ends first."""
        machine.kill_all(self.directory)
        machine.wait_for(self._unmount, 10, "the end of what has files of it open")
        machine.wait_for(lambda: not machine.loop_devices_of(self.directory), 10, "the end of the containers, whose root is on it")
        assert subprocess.run(["e2fsck", "-fy", self.image], capture_output=True, check=False).returncode in (0, 1)
        self._mount()


@pytest.fixture(scope="module")
def disk():
    disk = StateDisk()
    yield disk
    machine.clear_away(disk.directory)


@pytest.fixture(scope="module")
def filled_server(disk, make_server):
    return make_server(changes={"server": {"stateDir": str(disk.mount)}}).start().fill()


@pytest.fixture
def server(filled_server):
    yield filled_server
    filled_server.check()
    filled_server.api.destroy_all_clones()


def test_full(disk, server):
    """Somebody takes all of the disk, and goes on: nothing new begins, what is there can go, and a server can start."""
    api = server.api
    flood = disk.mount / "flood"

    def fill():
        subprocess.run(["dd", "if=/dev/zero", f"of={flood}", "bs=64k", "oflag=append", "conv=notrunc"],
                       capture_output=True, check=False)

    clone = api.create_clone("kept")
    api.create_clone("going")
    fill()
    fill()
    for method, path in (("POST", "/clone/kept/reset"), ("POST", "/full-refresh")):
        answer = api.call(method, path)
        assert answer.status == 507 and "state directory" in answer.message, answer
    assert api.request_clone("new").status == 507
    assert any(finding["kind"] == "store" for finding in api.get("/doctor")["findings"])
    api.destroy_clone("going")
    server.restart()
    fill()
    assert value(clone, "SELECT count(*) FROM customer") == 1000
    assert api.request_clone("new").status == 507
    api.destroy_clone("kept")
    flood.unlink()
    assert value(api.create_clone("new"), "SELECT count(*) FROM customer") == 1000


def test_store_turns_read_only(disk, server):
    api = server.api
    clone = api.create_clone("kept")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    disk.fail()

    assert [found["id"] for found in api.get("/clones")] == ["kept"]
    assert value(clone, "SELECT n FROM mine") == 7
    for method, path in (("POST", "/clone/kept/reset"), ("DELETE", "/clone/kept"), ("POST", "/full-refresh")):
        answer = api.call(method, path)
        assert answer.status == 500 and "cannot be read or written" in answer.message, answer
        assert "read-only" in answer.json["hint"], answer.json
    assert api.request_clone("new").status == 500
    server.check_without_server()  # --doctor only reads
    assert value(clone, "SELECT n FROM mine") == 7

    server.kill()
    server.cut_power()
    disk.repair()
    server.start()
    assert [found["id"] for found in api.get("/clones")] == ["kept"]
    machine.wait_for(lambda: answers(clone), 30, "an answer of the clone")
    assert value(api.wait_ok("kept"), "SELECT n FROM mine") == 7
    assert api.request_clone("new").status == 201
    assert value(api.wait_ok("new"), "SELECT count(*) FROM customer") == 1000
    assert server.refresh()["status"] == "finished"


def test_store_turns_read_only_in_mid_create(disk, server):
    """Accepted before the disk fails, not done before: it is done after the restart."""
    api = server.api
    for number in range(4):
        assert api.request_clone(f"storm-{number}").status == 201
    disk.fail()
    machine.wait_for(lambda: "the journal cannot be written" in server.log(), 10, "an operation that cannot go on")
    assert {clone["status"]["code"] for clone in api.get("/clones")} <= {"CREATING", "OK"}

    server.kill()
    server.cut_power()
    disk.repair()
    server.start()
    for number in range(4):
        clone = api.wait_ok(f"storm-{number}")
        machine.wait_for(lambda clone=clone: answers(clone), 30, "an answer of the clone")
        assert value(clone, "SELECT count(*) FROM customer") == 1000
