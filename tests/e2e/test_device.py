"""A pool on a block device of its own: formatted only when it is empty, mounted again at each start, cleared at the end."""

import subprocess

import pytest

from harness import machine
from harness.api import answers, query, value
from harness.server import Server


def on_device(device):
    return subprocess.run(["wipefs", "--noheadings", "-O", "TYPE", device], capture_output=True, text=True, check=True).stdout.split()


class DeviceServer(Server):
    """Its pool is on a loop device that is not Ramet's."""

    def create_pool(self, size):
        image = self.directory / "disk.img"
        with image.open("wb") as file:
            file.truncate(2 << 30)
        found = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=True)
        self.device = found.stdout.strip()
        self.refused = self.attempt_on_a_used_device()
        self.rametd("pool", "create", "e2e", "--driver", self.driver, "--device", self.device)

    def attempt_on_a_used_device(self):
        subprocess.run(["mkfs.ext4", "-q", self.device], check=True)
        done = self.rametd("pool", "create", "e2e", "--driver", self.driver, "--device", self.device, check=False)
        assert on_device(self.device) == ["ext4"]
        subprocess.run(["wipefs", "-aq", self.device], check=True)
        return done

    def destroy_pool(self):
        super().destroy_pool()
        assert on_device(self.device) == []
        subprocess.run(["losetup", "--detach", self.device], check=True)


@pytest.fixture(scope="module", params=["btrfs", "overlay"])
def module_server(request, build, source):
    server = DeviceServer(build, source, driver=request.param).start().fill()
    yield server
    server.close()


def test_a_device_that_holds_something_is_refused(server):
    assert server.refused.returncode != 0
    assert "ext4" in server.refused.stderr and "wipefs" in server.refused.stderr, server.refused.stderr


def test_what_is_no_device_is_refused(server, tmp_path):
    for arguments, word in ((["--device", tmp_path], "not a block device"), (["--device", "/dev/none"], "does not exist"),
                            (["--device", server.device, "--size", "1G"], "stands alone")):
        done = server.rametd("pool", "create", "other", "--driver", "btrfs", *arguments, check=False)
        assert done.returncode != 0 and word in done.stderr, done.stderr
    done = server.rametd("pool", "create", "other", "--driver", "zfs", "--device", server.device, check=False)
    assert done.returncode != 0 and "takes no bare device" in done.stderr, done.stderr


def test_it_is_mounted_again(server, api):
    clone = api.create_clone("stays")
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n; CHECKPOINT")
    server.kill()
    server.cut_power()
    machine.wait_for(lambda: subprocess.run(["umount", "-R", server.directory / "pools/e2e"], capture_output=True,
                                            check=False).returncode == 0, 10, "the end of postgres' own processes")
    server.start()
    machine.wait_for(lambda: answers(clone), 30, "an answer of the clone")
    assert value(clone, "SELECT n FROM mine") == 7


def test_it_grows_with_its_device(server, api):
    before = api.get("/status")["pools"][0]["fileSystem"]["size"]
    with (server.directory / "disk.img").open("ab") as file:
        file.truncate(3 << 30)
    subprocess.run(["losetup", "--set-capacity", server.device], check=True)
    server.rametd("pool", "grow", "e2e")
    machine.wait_for(lambda: api.get("/status")["pools"][0]["fileSystem"]["size"] > before + (900 << 20), 40, "the new size")
