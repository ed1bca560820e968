"""Several pools: rotation, pools that go and come back, growing, checking, and two servers."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading

import psycopg2
import pytest

from harness import machine
from harness.api import Api, connect, query, value
from harness.faults import STEPS
from harness.server import TOKEN, merge


class TwoPools:
    """What the tests ask a server with the pools e2e and e2e1 (the one's name begins the other's)."""

    SECOND = "e2e1"

    def __init__(self, server):
        self.server = server
        self.api = server.api

    def entries(self):
        return {pool["name"]: pool for pool in self.api.get("/status")["pools"]}

    def order(self):
        return [pool["name"] for pool in self.api.get("/status")["pools"]]

    def states(self):
        return {name: pool["status"] for name, pool in self.entries().items()}

    def mount(self, name):
        return self.server.directory / "pools" / name

    def image(self, name):
        return self.server.directory / {"e2e": "pool.img"}.get(name, f"{name}.img")

    def hang_up(self):
        self.server.process.send_signal(signal.SIGHUP)

    def wait_available(self, name):
        machine.wait_for(lambda: "error" not in self.entries()[name], 30, f"pool {name}")

    def findings(self):
        return [(finding["kind"], finding["name"]) for finding in self.api.get("/doctor")["findings"]]


ONE_DATABASE = {"retrieval": {"spec": {"logicalDump": {"options": {"databases": {"shop": {}}}}}}}


@pytest.fixture(scope="module")
def module_server(make_server):
    """The pool e2e is filled first and e2e1 then, which is the active one."""
    server = make_server(changes=ONE_DATABASE)
    server.add_pool(TwoPools.SECOND, server.directory / "e2e1.img")
    two_pools = TwoPools(server.start())
    assert two_pools.states() == {"e2e": "empty", "e2e1": "empty"}
    server.fill()
    assert two_pools.order() == ["e2e", "e2e1"] and two_pools.states() == {"e2e": "active", "e2e1": "empty"}
    server.fill()
    return server


@pytest.fixture
def two_pools(server):
    return TwoPools(server)


def test_rotation(two_pools):
    """Each refresh goes to the pool that nobody uses; clones stay where they are; ids are looked up exactly."""
    server, api = two_pools.server, two_pools.api
    assert two_pools.order() == ["e2e1", "e2e"]
    assert two_pools.states() == {"e2e": "active", "e2e1": "active"}
    second, first = (snapshot["id"] for snapshot in server.snapshots())
    assert first.startswith("e2e@snapshot_") and second.startswith("e2e1@snapshot_")
    assert api.create_clone("in-second")["snapshot"]["pool"] == "e2e1"
    clone = api.create_clone("in-first", snapshot={"id": first})
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    assert {snapshot["id"]: snapshot["numClones"] for snapshot in server.snapshots()} == {first: 1, second: 1}
    entries = two_pools.entries()
    assert entries["e2e"]["cloneList"] == ["in-first"] and entries["e2e1"]["cloneList"] == ["in-second"]

    # POST /snapshot: the active pool, or the one that is named
    assert api.call("POST", "/snapshot", {"poolName": "e2e2"}).status == 404
    answer = api.call("POST", "/snapshot", {"poolName": "e2e"})
    assert answer.status == 400 and "already exists" in answer.message and "e2e@" in answer.message
    assert "e2e1@" in api.call("POST", "/snapshot").message

    # Every pool has clones: the new data goes beside the old, and nobody loses anything.
    server.fill()
    pool = server.snapshots()[0]["pool"]
    assert len(server.snapshots()) == 3, "a snapshot with clones must stay"
    assert value(api.get("/clone/in-first"), "SELECT n FROM mine") == 7

    # A pool without clones takes the next one.
    other = {"e2e": "e2e1", "e2e1": "e2e"}[pool]
    for name in two_pools.entries()[other]["cloneList"]:
        api.destroy_clone(name)
    server.fill()
    assert server.snapshots()[0]["pool"] == other and two_pools.order() == [other, pool]


def clone_in_last(two_pools, clone_id):
    """A clone in the pool whose data is not the latest."""
    name = two_pools.order()[-1]
    snapshot = next(snapshot for snapshot in two_pools.server.snapshots() if snapshot["pool"] == name)
    clone = two_pools.api.create_clone(clone_id, snapshot={"id": snapshot["id"]})
    query(clone, "CREATE TABLE mine AS SELECT 7 AS n")
    return clone


def test_reset_to_another_pool(two_pools):
    """The latest data may be in another pool than the clone: it moves, and comes back."""
    api = two_pools.api
    clone = clone_in_last(two_pools, "mover")
    moved = api.reset_clone("mover", latest=True)
    assert moved["snapshot"]["pool"] == two_pools.order()[0] != clone["snapshot"]["pool"]
    assert moved["db"]["port"] == clone["db"]["port"]
    assert value(moved, "SELECT to_regclass('mine')") is None
    two_pools.server.check()
    assert two_pools.entries()[moved["snapshot"]["pool"]]["cloneList"] == ["mover"]
    assert api.reset_clone("mover", snapshotID=clone["snapshot"]["id"])["snapshot"] == clone["snapshot"]


@pytest.mark.parametrize("step", range(STEPS["reset"]))
def test_kill_in_a_reset_to_another_pool(two_pools, step):
    server, api = two_pools.server, two_pools.api
    clone_in_last(two_pools, "mover")
    server.restart(fault=f"reset:{step}:kill")
    try:
        api.call("POST", "/clone/mover/reset", {"latest": True})
    except OSError:
        pass  # it died before it could answer
    assert server.wait_death()
    server.start()
    clone = api.wait_ok("mover")
    assert clone["snapshot"]["pool"] == two_pools.order()[0]
    assert value(clone, "SELECT to_regclass('mine')") is None


def test_selected_pool(two_pools):
    """selectedPool restricts to one and ends the rotation; the others' clones run on and wait."""
    server, api = two_pools.server, two_pools.api
    api.create_clone("outside")
    outside, selected = two_pools.order()
    assert server.stop() == 0
    server.write_config({"poolManager": {"selectedPool": selected}})
    server.start()
    assert two_pools.order() == [selected]
    assert api.create_clone("inside")["snapshot"]["pool"] == selected, "the latest data is in the other pool"
    assert two_pools.findings() == []
    assert value(api.get("/clone/outside"), "SELECT count(*) FROM customer") == 1000
    answer = api.call("DELETE", "/clone/outside")
    assert answer.status == 400 and "selectedPool" in answer.json["hint"]
    server.fill()
    assert server.snapshots()[0]["pool"] == selected
    assert server.stop() == 0
    server.write_config({"poolManager": {"selectedPool": None}})
    server.start()
    assert two_pools.order() == [selected, outside]
    assert value(api.get("/clone/outside"), "SELECT count(*) FROM customer") == 1000


def kill_instances(server):
    """As a reboot does; the server itself is not among them."""
    assert not server.is_running()
    server.cut_power()


def wait_serving(clone):
    """A clone of ours answers, with its data; it may just be starting."""
    def look():
        try:
            return value(clone, "SELECT n FROM mine") == 7
        except psycopg2.OperationalError:
            return False
    machine.wait_for(look, 60, f"clone {clone['id']}")


def put_half_in_place(image, whole):
    subprocess.run(["cp", "--sparse=always", whole, image], check=True)
    os.truncate(image, whole.stat().st_size // 2)


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_damaged_at_the_start(two_pools, damage):
    """After a reboot one image is not there yet, or only half of it is: its clones wait, and go on after a SIGHUP."""
    server, api = two_pools.server, two_pools.api
    name = two_pools.order()[0]  # the active one
    query(api.create_clone("waiting"), "CREATE TABLE mine AS SELECT 7 AS n")
    serving = clone_in_last(two_pools, "serving")
    server.kill()
    kill_instances(server)
    machine.unmount(server.directory)
    image = two_pools.image(name)
    hidden = image.with_suffix(".elsewhere")
    image.rename(hidden)
    if damage == "truncated":
        put_half_in_place(image, hidden)

    server.start()
    entry = two_pools.entries()[name]
    assert entry["status"] == "empty" and image.name in entry["error"] and entry["cloneList"] == ["waiting"]
    assert two_pools.order()[-1] == name
    assert ("pool", name) in two_pools.findings()
    wait_serving(serving)
    clone = api.get("/clone/waiting")
    assert clone["status"]["code"] == "FATAL" and "waits for its pool" in clone["status"]["message"]
    for method, path in (("DELETE", "/clone/waiting"), ("POST", "/clone/waiting/reset")):
        answer = api.call(method, path)
        assert answer.status == 400 and "SIGHUP" in answer.json["hint"], answer
    answer = api.request_clone("never", snapshot={"id": clone["snapshot"]["id"]})
    assert answer.status == 400 and "not available" in answer.message
    assert api.create_clone("meanwhile")["snapshot"]["pool"] == two_pools.order()[0], "the latest there is"
    assert not list(two_pools.mount(name).iterdir()), "something was written below the mount point"
    done = server.rametd("--doctor", check=False)
    assert done.returncode == 1 and f"pool {name}" in done.stdout
    done = server.rametd("pool", "check", name, check=False)
    assert done.returncode == 1 and image.name in done.stdout + done.stderr, done

    hidden.rename(image)
    two_pools.hang_up()
    two_pools.wait_available(name)
    wait_serving(api.get("/clone/waiting"))
    assert api.get("/clone/waiting")["status"]["code"] == "OK"
    assert two_pools.order()[0] == name


def test_unmounted_under_our_feet(two_pools):
    """Noticed at the next use; nothing is written to the bare directory; mounted again it goes on."""
    server, api = two_pools.server, two_pools.api
    name = two_pools.order()[0]
    mount = two_pools.mount(name)
    query(api.create_clone("on-it"), "CREATE TABLE mine AS SELECT 7 AS n")
    busy = subprocess.run(["umount", mount], capture_output=True, check=False)
    assert busy.returncode != 0, "a pool in use must not be easy to unmount"
    subprocess.run(["umount", "--lazy", mount], check=True)

    answer = api.request_clone("new", snapshot={"id": api.get("/clone/on-it")["snapshot"]["id"]})
    assert answer.status == 400 and "not mounted" in answer.message, answer
    assert api.call("DELETE", "/clone/on-it").status == 400
    machine.wait_for(lambda: "not mounted" in two_pools.entries()[name].get("error", ""), 30, "the news of the pool")
    assert not list(mount.iterdir()), "something was written below the mount point"
    assert value(api.get("/clone/on-it"), "SELECT n FROM mine") == 7, "its postgres runs on"
    assert ("pool", name) in two_pools.findings()

    two_pools.hang_up()
    two_pools.wait_available(name)
    assert value(api.get("/clone/on-it"), "SELECT n FROM mine") == 7
    assert api.create_clone("new")["snapshot"]["pool"] == name


def test_new_pool_while_serving(two_pools):
    server = two_pools.server
    server.add_pool("third", server.directory / "third.img", "512M")
    two_pools.hang_up()
    machine.wait_for(lambda: "third" in two_pools.order(), 30, "the third pool")
    assert server.stop() == 0
    server.rametd("pool", "destroy", "third")
    server.pools.remove("third")
    server.start()
    assert "third" not in two_pools.order()


class Twin:
    """A second server with a copy of the first one's state directory: it knows the same pools."""

    def __init__(self, server):
        self.state = server.directory / "twin"
        shutil.copytree(server.directory / "state", self.state, ignore=shutil.ignore_patterns("run", "oci", "gateway.*"))
        self.port = machine.free_ports(2)
        self.config = server.directory / "twin.yml"
        self.config.write_text(json.dumps(merge(server.config, {
            "server": {"port": self.port, "stateDir": str(self.state)}, "provision": {"portPool": {"from": self.port + 1, "to": self.port + 1}}})))
        self.log = server.directory / "twin.log"
        self.api = Api(f"http://127.0.0.1:{self.port}", TOKEN)
        self.rametd = server.build / "rametd"
        self.process = None

    def rename(self, identity):
        with contextlib.closing(sqlite3.connect(self.state / "ramet.db")) as store, store:
            store.execute("UPDATE fact SET value = ? WHERE name = 'instance_id'", (identity,))

    def pool(self):
        """The pool e2e as it sees it; then it is stopped."""
        with self.log.open("ab") as log:
            process = subprocess.Popen([self.rametd, "--config", self.config], cwd="/", stdout=log, stderr=log)
        try:
            machine.wait_for(lambda: machine.is_listening(self.port) or process.poll() is not None, 30, "the twin")
            assert process.poll() is None, self.log.read_text()
            return {pool["name"]: pool for pool in self.api.get("/status")["pools"]}["e2e"]
        finally:
            process.terminate()
            process.wait(30)


def test_two_servers(two_pools):
    """A pool has one server: while it runs by a lock, and at all times by its identity."""
    server, api = two_pools.server, two_pools.api
    assert server.stop() == 0
    twin = Twin(server)
    server.start()
    assert "in use by another rametd" in twin.pool()["error"]
    api.create_clone("unharmed")
    assert server.stop() == 0
    twin.rename("somebody-else")
    assert "belongs to another server" in twin.pool()["error"]
    server.start()
    assert value(api.get("/clone/unharmed"), "SELECT count(*) FROM customer") == 1000


def test_unknown_pools_are_left_alone(two_pools):
    """A pool that is on no record is named and not taken; a file system without a pool, with the command for it."""
    server = two_pools.server
    assert server.stop() == 0
    stranger = two_pools.mount("stranger")
    (stranger / ".ramet").mkdir(parents=True)
    (stranger / ".ramet" / "pool.json").write_text(
        json.dumps({"name": "stranger", "driver": "btrfs", "instance": "somebody-else"}))
    server.start()
    assert "stranger" not in two_pools.order()
    assert two_pools.findings() == [("pool", "stranger")]
    assert "somebody-else" in api_message(two_pools)
    shutil.rmtree(stranger)

    bare = two_pools.mount("bare")
    bare.mkdir()
    image = server.directory / "bare.img"
    image.touch()
    os.truncate(image, 256 << 20)
    subprocess.run(["mkfs.btrfs", "--quiet", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, bare], check=True)
    try:
        two_pools.hang_up()
        machine.wait_for(lambda: "pool create bare --driver btrfs" in server.log(), 10, "the command")
        assert "bare" not in two_pools.order() and not list(bare.iterdir())
    finally:
        subprocess.run(["umount", bare], check=True)
        bare.rmdir()


def api_message(two_pools):
    return two_pools.api.get("/doctor")["findings"][0]["message"]


def test_kill_in_a_refresh_of_the_second_pool(two_pools):
    server, api = two_pools.server, two_pools.api
    api.create_clone("witness")
    order = two_pools.order()
    good = [snapshot["id"] for snapshot in server.snapshots()]
    server.restart(fault="refresh:9:kill-after")
    api.call("POST", "/full-refresh")
    assert server.wait_death()
    server.start()
    machine.wait_for(lambda: server.retrieval()["status"] == "failed", 60, "the end of the undo")
    assert [snapshot["id"] for snapshot in server.snapshots()] == good and two_pools.order() == order
    assert value(api.get("/clone/witness"), "SELECT count(*) FROM customer") == 1000
    server.check()
    server.fill()
    assert two_pools.order() == order[::-1]


def test_grow_while_a_clone_writes(two_pools):
    server, api = two_pools.server, two_pools.api
    clone = api.create_clone("writer")
    name = clone["snapshot"]["pool"]
    before = two_pools.entries()[name]["fileSystem"]["size"]
    with contextlib.closing(connect(clone)) as connection, connection.cursor() as cursor:
        writing = threading.Thread(target=cursor.execute, args=(
            "CREATE TABLE filled AS SELECT n, repeat('x', 500) AS text FROM generate_series(1, 200000) AS n",))
        writing.start()
        server.rametd("pool", "grow", name, "--size", "3G")
        writing.join()
    machine.wait_for(lambda: two_pools.entries()[name]["fileSystem"]["size"] >= before + (1 << 30), 40, "the new size")
    assert value(clone, "SELECT count(*) FROM filled") == 200000
    server.rametd("pool", "grow", name, "--size", "3G")  # may be repeated
    for size in ("1G", "nonsense"):
        refused = server.rametd("pool", "grow", name, "--size", size, check=False)
        assert refused.returncode == 2 and ("shrink" in refused.stderr or "size" in refused.stderr), refused
    server.restart()
    assert value(clone, "SELECT count(*) FROM filled") == 200000


def test_list_and_check(two_pools):
    """Both work beside the server, and say what is wrong."""
    server, api = two_pools.server, two_pools.api
    api.create_clone("one")
    active = two_pools.order()[0]
    rows = json.loads(server.rametd("pool", "list", "-o", "json").stdout)
    assert [row["name"] for row in rows] == two_pools.order()
    assert [row["clones"] for row in rows] == [1, 0] and all(row["mounted"] and row["size"] for row in rows)
    table = server.rametd("pool", "list").stdout.splitlines()
    assert table[0].startswith("NAME") and table[1].split()[:3] == [active, "btrfs", "active"]
    assert "is well" in server.rametd("pool", "check", active).stdout
    assert server.rametd("pool", "check", "e2e2", check=False).returncode == 1

    stranger = two_pools.mount(active) / "volumes" / "stranger"
    stranger.mkdir()
    done = server.rametd("pool", "check", active, check=False)
    assert done.returncode == 1 and f"{active}/stranger" in done.stdout
    other = two_pools.order()[1]
    assert server.rametd("pool", "check", other).returncode == 0, "the other pool is well"
    stranger.rmdir()


@pytest.mark.parametrize("name", ["a/b", "a@b", "a b", "", "..", "a" * 64])
def test_bad_names(two_pools, name):
    image = two_pools.server.directory / "bad.img"
    done = two_pools.server.rametd("pool", "create", name, "--driver", "btrfs", "--image", image, "--size", "512M",
                                   check=False)
    assert done.returncode == 2 and "hint: " in done.stderr, done
    assert not image.exists() and len(two_pools.order()) == 2


def test_given_up(two_pools):
    """A pool whose image is lost for good: what is on record in it goes by force alone."""
    server, api = two_pools.server, two_pools.api
    third = two_pools.server.directory / "third.img"
    server.add_pool("third", third)
    two_pools.hang_up()
    machine.wait_for(lambda: "third" in two_pools.order(), 30, "the third pool")
    server.fill()
    assert api.create_clone("lost")["snapshot"]["pool"] == "third"
    server.kill()
    kill_instances(server)
    machine.unmount(server.directory)
    third.unlink()
    refused = server.rametd("pool", "destroy", "third", check=False)
    assert refused.returncode == 1 and "1 clones" in refused.stderr, refused
    server.rametd("pool", "destroy", "third", "--force")
    server.pools.remove("third")
    server.start()
    assert api.call("GET", "/clone/lost").status == 404
    assert "third" not in {snapshot["pool"] for snapshot in server.snapshots()}
    server.check()
