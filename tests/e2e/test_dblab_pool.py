"""A ZFS pool that DBLab filled, taken as it is: its snapshots are offered, clones of them work, and nothing in it changes.

The pool is made by hand, after the layout and the properties that DBLab documents: one logical snapshot, a branch `dev`, and
two commits of a clone on it. Its files belong to a user of its own, and carry its configuration."""

import base64
import pathlib
import subprocess

import pytest

from harness.api import query, value
from harness.server import Server

pytestmark = pytest.mark.skipif(not pathlib.Path("/dev/zfs").exists(), reason="this kernel has no ZFS: tests/guest/life")

OWNER = "nobody"  # of the data, as a container's postgres is to this machine
MESSAGE = "first commit ✔"
STATE = {"main": "20260701080000", "dev": "20260701100000", "first": "20260701110000", "second": "20260701120000"}
PROPERTIES = ["dblab:datastateat", "dblab:isroughdsa", "dle:branch", "dle:parent", "dle:child", "dle:root", "dle:message",
              "dle:protected_till", "dle:delete_at"]


def zfs(*words, program="zfs"):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


class DblabPool:
    """Named like the test's directory; mounted where the server looks for its pool."""

    def __init__(self, directory, mount, source):
        self.name = directory.name.replace("ramet-e2e-", "dblab-")
        self.mount = mount
        self.bin = source.bin
        image = directory / "dblab.img"
        with image.open("wb") as file:
            file.truncate(2 << 30)
        zfs("create", "-o", "cachefile=none", "-O", f"mountpoint={mount}", "-O", "atime=off", self.name, image,
            program="zpool")
        self._fill(source)
        self.snapshots = self._make_snapshots()

    def _fill(self, source):
        with source.stopped():
            subprocess.run(["cp", "-a", source.data, self.mount / "data"], check=True)
        (self.mount / "sockets").mkdir()
        with (self.mount / "data/postgresql.conf").open("a") as conf:
            conf.write("include_if_exists 'postgresql.dblab.postgresql.conf'\nport = 1\nlisten_addresses = ''\n")
        (self.mount / "data/postgresql.dblab.postgresql.conf").write_text("unix_socket_directories = '/nowhere'\n")
        (self.mount / "data/pg_hba.conf").write_text("host all all all reject\n")
        subprocess.run(["chown", "-R", f"{OWNER}:", self.mount / "data"], check=True)

    def snapshot(self, dataset, name, state, **properties):
        full = f"{dataset}@{name}"
        zfs("snapshot", full)
        sets = [f"dblab:datastateat={STATE.get(state, state)}"] + [f"dle:{key}={text}" for key, text in properties.items()]
        zfs("set", *sets, full)
        return full

    def _write(self, dataset, sql):
        data = zfs("get", "-Ho", "value", "mountpoint", dataset).strip() + "/data"
        subprocess.run(["setpriv", f"--reuid={OWNER}", "--clear-groups", self.bin / "postgres", "--single",
                        "-D", data, "shop"], input=sql, text=True, check=True, stdout=subprocess.DEVNULL)

    def _make_snapshots(self):
        pool, dev = self.name, f"{self.name}/branch/dev"
        clone = f"{dev}/c1/r0"
        main = self.snapshot(pool, f"snapshot_{STATE['main']}", "main", branch="main", root="dev", parent="-")
        zfs("create", f"{pool}/branch")
        zfs("clone", main, dev)
        fork = self.snapshot(dev, STATE["dev"], "main", branch="-", parent=main, protected_till="forever")
        zfs("create", f"{dev}/c1")
        zfs("clone", fork, clone)
        self._write(clone, "CREATE TABLE committed AS SELECT 1 AS n\n")
        first = self.snapshot(clone, STATE["first"], "first", branch="-", parent=fork,
                              message=base64.b64encode(MESSAGE.encode()).decode())
        self._write(clone, "UPDATE committed SET n = 2\n")
        second = self.snapshot(clone, STATE["second"], "second", branch="dev", parent=first)
        self.snapshot(pool, "by_hand", "-")
        self.snapshot(pool, "snapshot_20260701130000_pre", "20260701130000")
        return {"main": main, "dev": fork, "first": first, "second": second}

    def picture(self):
        """Everything in it that is not Ramet's: names, properties of DBLab and their sources, origins, and the files."""
        ours = (f"{self.name}/volumes", f"{self.name}/kept")
        rows = zfs("get", "-Hpr", "-t", "all", "-o", "name,property,value,source",
                   ",".join(["guid", "creation", "origin", "mountpoint", "canmount", "userrefs", *PROPERTIES]), self.name)
        files = subprocess.run(["find", self.mount / "data", self.mount / "branch", "-printf", r"%p %U %G %m %s %T@\n"],
                               capture_output=True, text=True, check=True).stdout
        return [row for row in rows.splitlines() if not row.startswith(ours)], sorted(files.splitlines())

    def destroy(self):
        zfs("destroy", "-f", self.name, program="zpool")


class DblabServer(Server):
    """Its pool is DBLab's, taken in place."""

    def __init__(self, build, source):
        self.source = source
        super().__init__(build, source, driver="zfs")

    def create_pool(self, size):
        mount = self.directory / "pools/e2e"
        mount.parent.mkdir(exist_ok=True)
        self.dblab = DblabPool(self.directory, mount, self.source)
        self.before = self.dblab.picture()
        self.rametd("pool", "create", "e2e", "--driver", "zfs")

    def destroy_pool(self):
        super().destroy_pool()
        assert self.dblab.picture() == self.before, "nothing of DBLab's is changed or destroyed"
        names = zfs("list", "-Ho", "name", "-r", self.dblab.name).split()
        assert f"{self.dblab.name}/volumes" not in names and f"{self.dblab.name}/kept" not in names
        assert sorted(path.name for path in self.dblab.mount.iterdir()) == ["branch", "data", "sockets"]
        self.dblab.destroy()


@pytest.fixture(scope="module")
def module_server(build, source):
    server = DblabServer(build, source).start()
    yield server
    server.close()


@pytest.fixture
def ids(server):
    """Its snapshots as Ramet calls them: as DBLab does, but for the pool's name."""
    return {key: name.replace(server.dblab.name, "e2e", 1) for key, name in server.dblab.snapshots.items()}


def test_snapshots_are_listed(api, ids):
    found = {snapshot["id"]: snapshot for snapshot in api.get("/snapshots")}
    assert set(found) == set(ids.values()), "neither the one made by hand nor the pre-snapshot"
    assert [found[ids[key]]["branch"] for key in ids] == ["main", "dev", "dev", "dev"]
    assert [found[ids[key]]["dataStateAt"][:19] for key in ids] == [
        "2026-07-01T08:00:00", "2026-07-01T08:00:00", "2026-07-01T11:00:00", "2026-07-01T12:00:00"]
    assert [found[ids[key]]["message"] for key in ids] == ["", "", MESSAGE, ""]
    assert [found[ids[key]]["protected"] for key in ids] == [False, True, False, False]
    assert all(snapshot["logicalSize"] > 10_000_000 for snapshot in found.values())
    assert {snapshot["id"] for snapshot in api.get("/snapshots?branch=dev")} == set(ids.values()) - {ids["main"]}


def test_clones_of_them_live(server, api, ids):
    clone = api.create_clone("latest")
    assert clone["snapshot"]["id"] == ids["main"]
    assert value(clone, "SELECT count(*) FROM customer") == 1000
    assert value(clone, "SELECT to_regclass('committed')") is None
    assert [value(api.create_clone(key, snapshot={"id": ids[key]}), "SELECT n FROM committed")
            for key in ("first", "second")] == [1, 2]
    query(clone, "ALTER SYSTEM SET work_mem = '7MB'")  # taking the data over is done once: this stays
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    taken = api.call("POST", "/snapshot/clone", {"cloneID": "latest"}, timeout=120).json["id"]
    assert value(api.create_clone("heir", snapshot={"id": taken}), "SELECT n FROM mine") == 7
    server.restart()
    assert value(api.wait_ok("latest"), "SELECT n FROM mine") == 7
    assert value(api.wait_ok("heir"), "SELECT setting FROM pg_file_settings WHERE name = 'work_mem'") == "7MB"
    assert value(api.reset_clone("latest"), "SELECT to_regclass('mine')") is None
    api.destroy_all_clones()
    assert api.call("DELETE", f"/snapshot/{taken}", timeout=120).status == 200


def test_they_are_not_deleted(server, api, ids):
    for suffix in ("", "?force=true"):
        answer = api.call("DELETE", f"/snapshot/{ids['main']}{suffix}")
        assert (answer.status, answer.message) == (400, f"cannot destroy snapshot {ids['main']}: it is not ours")
    assert server.refresh()["status"] == "finished"
    assert set(ids.values()) < {snapshot["id"] for snapshot in api.get("/snapshots")}, "a refresh retires none of them"
    assert server.dblab.picture() == server.before


def test_dblab_goes_on(server, api):
    """What it makes is there after a restart, what it destroys is gone; we keep it from neither."""
    new = server.dblab.snapshot(server.dblab.name, "snapshot_20260702080000", "20260702080000", branch="main")
    server.check()
    server.restart()
    name = new.replace(server.dblab.name, "e2e", 1)
    clone = api.create_clone("newer", snapshot={"id": name})
    assert value(clone, "SELECT count(*) FROM customer") == 1000
    api.destroy_clone("newer")
    zfs("destroy", new)
    server.restart()
    assert name not in {snapshot["id"] for snapshot in api.get("/snapshots")}
