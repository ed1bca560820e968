"""What a clone may use: the configuration's limits, narrower ones of its own, and changes while it runs."""

import os
import subprocess

import psycopg2
import pytest

from harness import machine
from harness.api import answers, query, value

pytestmark = pytest.mark.skipif(machine.RUNTIME == "process", reason="the process runtime sets no limits")

MIB = 1 << 20


@pytest.fixture(scope="module")
def module_server(make_server):
    limits = {"memory": "512m", "cpus": "1.5", "pids-limit": 200, "shm-size": "64m"}
    return make_server(changes={"provision": {"containerConfig": limits}}).start().fill()


def in_force(server):
    """{file: text} of the one container's control groups."""
    names = ("memory.limit_in_bytes", "memory.max", "cpu.cfs_quota_us", "cpu.max", "pids.max")
    found = {}
    for group in server.cgroups():
        for name in names:
            if (group / name).exists():
                found[name] = (group / name).read_text().strip()
    return found


def memory(server):
    groups = in_force(server)
    return int(groups.get("memory.limit_in_bytes") or groups["memory.max"])


def cpu_quota(server):
    groups = in_force(server)
    return int((groups.get("cpu.cfs_quota_us") or groups["cpu.max"]).split()[0])


def test_configured_limits_hold(server, api):
    clone = api.create_clone("usual")
    assert memory(server) == 512 * MIB and cpu_quota(server) == 150000 and in_force(server)["pids.max"] == "200"
    assert clone["limits"] == {} and value(clone, "SELECT 1") == 1


def test_own_limits_are_narrower(server, api):
    clone = api.create_clone("small", limits={"memory": "200m", "cpus": 0.5})
    assert clone["limits"] == {"memory": "200m", "cpus": 0.5}
    assert memory(server) == 200 * MIB and cpu_quota(server) == 50000 and in_force(server)["pids.max"] == "200"
    api.reset_clone("small")
    assert memory(server) == 200 * MIB


def test_limits_are_changed_while_it_runs(server, api):
    clone = api.create_clone("growing", limits={"memory": "200m"})
    assert api.call("PATCH", "/clone/growing", {"protected": True}).status == 200
    answer = api.call("PATCH", "/clone/growing", {"limits": {"memory": "400m", "cpus": "1"}})
    assert answer.status == 200 and answer.json["limits"] == {"memory": "400m", "cpus": "1"}
    assert answer.json["protected"] is True, "only the limits were to change"
    assert memory(server) == 400 * MIB and cpu_quota(server) == 100000 and answers(clone)
    server.restart()
    assert memory(server) == 400 * MIB and api.wait_ok("growing")["limits"] == {"memory": "400m", "cpus": "1"}
    assert api.call("PATCH", "/clone/growing", {"limits": {}, "protected": False}).json["protected"] is False
    assert memory(server) == 512 * MIB and cpu_quota(server) == 150000


def fill(clone, mib):
    """Does PostgreSQL take so many incompressible MiB more?"""
    try:
        query(clone, "CREATE TABLE IF NOT EXISTS fill (bytes text); ALTER TABLE fill ALTER bytes SET STORAGE external")
        query(clone, f"INSERT INTO fill SELECT string_agg(md5(random()::text), '') FROM generate_series(1, {mib * 32}) g, "
                     "generate_series(1, 1024) n GROUP BY g")
    except (psycopg2.errors.DiskFull, psycopg2.errors.InternalError_):  # "No space left", "Disk quota exceeded"
        return False
    except psycopg2.OperationalError:  # it was WAL that found no room, and PostgreSQL starts anew
        return False
    return True


def test_a_disk_limit(server, api):
    neighbour = api.create_clone("neighbour")
    clone = api.create_clone("thin", limits={"disk": "96m"})
    assert clone["limits"] == {"disk": "96m"}
    assert not fill(clone, 150)
    assert fill(neighbour, 40)
    machine.wait_for(lambda: answers(clone), 60, "the clone, whose WAL may have had no room either")

    answer = api.call("PATCH", "/clone/thin", {"limits": {"disk": "600m"}})
    assert answer.status == 200 and answer.json["limits"] == {"disk": "600m"}, answer
    assert fill(clone, 100)
    query(clone, "CHECKPOINT")
    subprocess.run(["sync", "--file-system", server.directory / "pools/e2e"], check=True)  # it counts as of then
    answer = api.call("PATCH", "/clone/thin", {"limits": {"disk": "64m"}})
    assert answer.status == 400 and "it holds" in answer.message and "64" in answer.message, answer
    assert api.get("/clone/thin")["limits"] == {"disk": "600m"}

    api.reset_clone("thin")
    assert api.call("PATCH", "/clone/thin", {"limits": {"disk": "128m"}}).status == 200
    api.reset_clone("thin")
    assert not fill(api.get("/clone/thin"), 200)
    assert api.call("PATCH", "/clone/thin", {"limits": {}}).status == 200
    machine.wait_for(lambda: fill(api.get("/clone/thin"), 200), 60, "room without a limit")


def test_a_disk_limit_where_storage_has_none(make_server):
    server = make_server(driver="reflink").start().fill()
    answer = server.api.request_clone("thin", limits={"disk": "1gb"})
    assert answer.status == 400 and 'pool "e2e" is of driver "reflink"' in answer.message, answer
    server.api.create_clone("plain")
    answer = server.api.call("PATCH", "/clone/plain", {"limits": {"disk": "1gb"}})
    assert answer.status == 400 and "cannot limit" in answer.message, answer
    assert server.api.get("/clone/plain")["limits"] == {}


def test_a_disk_limit_that_cannot_be_set_leaves_no_volume(make_server):
    """btrfs without quotas: it shows only when the volume is there."""
    server = make_server().start().fill()
    pool = server.directory / "pools/e2e"
    subprocess.run(["btrfs", "quota", "disable", pool], check=True)
    before = set(os.listdir(pool / "volumes"))
    assert server.api.request_clone("thin", limits={"disk": "1gb"}).status == 201
    machine.wait_for(lambda: server.api.get("/clone/thin")["status"]["code"] == "FATAL", 30, "the refusal")
    assert "cannot limit" in server.api.get("/clone/thin")["status"]["message"]
    machine.wait_for(lambda: set(os.listdir(pool / "volumes")) == before, 30, "the end of its volume")
    assert answers(server.api.create_clone("plain"))


@pytest.mark.skipif(machine.RUNTIME == "docker", reason="takes crun away")
def test_a_change_that_fails_is_taken_back(server, api):
    api.create_clone("same", limits={"memory": "200m"})
    target = server.crun.readlink()
    server.crun.unlink()
    try:
        answer = api.call("PATCH", "/clone/same", {"limits": {"memory": "400m"}})
    finally:
        server.crun.symlink_to(target)
    assert answer.status == 500 and "crun" in answer.message, answer
    assert api.get("/clone/same")["limits"] == {"memory": "200m"} and memory(server) == 200 * MIB
    assert api.call("PATCH", "/clone/same", {"limits": {"memory": "400m"}}).status == 200
    assert memory(server) == 400 * MIB


@pytest.mark.parametrize("limits, words", [
    ({"memory": "1gb"}, "more than a clone may have"),
    ({"cpus": 4}, "more than a clone may have"),
    ({"memory": "1mb"}, "out of range"),
    ({"memory": "much"}, "memory"),
    ({"cpus": -1}, "out of range"),
    ({"cpus": "nan"}, "no number of CPUs"),
    ({"volume": "/:/host"}, "no such option"),
    ({"memory": {"a": 1}}, "memory"),
    ({"disk": "1mb"}, "out of range"),
    ([1], "limits"),
])
def test_nonsense_is_refused(api, limits, words):
    answer = api.request_clone("odd", limits=limits)
    assert answer.status == 400 and words in answer.message, answer
    clone = api.create_clone("plain")
    answer = api.call("PATCH", "/clone/plain", {"limits": limits})
    assert answer.status == 400 and words in answer.message, answer
    assert api.get("/clone/plain")["limits"] == {} and answers(clone)


def test_cli(server, api):
    server.cli("clone", "create", "--id", "cli", "--username", "dev", "--password", "thin-Clone-4-everyone", "--limit",
               "memory=200m", "--limit", "cpus=0.5")
    assert api.get("/clone/cli")["limits"] == {"memory": "200m", "cpus": "0.5"}
    server.cli("clone", "update", "cli", "--limit", "memory=300m")
    assert api.get("/clone/cli")["limits"] == {"memory": "300m"} and memory(server) == 300 * MIB
    server.cli("clone", "update", "cli", "--limit", "")
    assert api.get("/clone/cli")["limits"] == {}
    assert "is no NAME=VALUE" in server.cli("clone", "update", "cli", "--limit", "x", check=False).stderr


def test_more_memory_than_there_is_is_not_promised(make_server):
    limits = {"memory": "400m"}
    machine_mib = int(open("/proc/meminfo", encoding="ascii").readline().split()[1]) // 1024
    percent = max(1, 1000 * 100 // machine_mib)  # room for two of three
    server = make_server(changes={"provision": {"containerConfig": limits}, "runtime": {"memoryPercent": percent}})
    server.start().fill()
    room = machine_mib * percent // 100 // 400
    for n in range(room):
        server.api.create_clone(f"promised-{n}")
    answer = server.api.request_clone("one-more")
    assert "promised to clones" in answer.message, answer
    server.api.destroy_clone("promised-0")
    server.api.create_clone("one-more")
