"""The docker runtime: images and where they come from, options, and an engine that has bad days."""

import http.server
import json
import os
import shutil
import socketserver
import subprocess
import threading

import psycopg2
import pytest

from harness import docker_daemon, machine
from harness.api import answers, query, value

pytestmark = pytest.mark.skipif(machine.RUNTIME != "docker", reason="of the docker runtime alone")


@pytest.fixture
def docker():
    return docker_daemon.shared().docker


def container_of(server):
    containers = server.containers()
    assert len(containers) == 1, containers
    return containers[0]


def refusal_to_start(server, changes, environment=None):
    """What rametd says when it does not start with such a configuration."""
    path = server.directory / "other.yml"
    config = dict(server.config)
    for section, values in changes.items():
        config[section] = config[section] | values
    path.write_text(json.dumps(config))
    done = subprocess.run([server.build / "rametd", "--config", path], capture_output=True, text=True, check=False,
                          timeout=60 * machine.PATIENCE, env=os.environ | (environment or {}))
    assert done.returncode != 0, done.stderr
    return done.stderr


# --- containers -------------------------------------------------------------------------------


def test_a_container_of_a_clone(server, api, docker):
    api.create_clone("one")
    seen = json.loads(docker("inspect", container_of(server)).stdout)[0]
    assert seen["HostConfig"]["NetworkMode"] == "none" and seen["HostConfig"]["ReadonlyRootfs"] is True
    assert seen["Config"]["User"].split(":")[0] != "0" and seen["HostConfig"]["CapDrop"] == ["ALL"]
    api.destroy_clone("one")
    assert not server.containers()


def test_options_reach_the_engine(make_server, docker):
    options = {"cpuset-cpus": "0", "label": "team=qa", "env": "TZ=UTC", "cpu-shares": 512, "memory": "500m",
               "memory-swap": "600m", "hostname": "copy"}
    server = make_server(changes={"provision": {"containerConfig": options}}).start().fill()
    clone = server.api.create_clone("one")
    seen = json.loads(docker("inspect", container_of(server)).stdout)[0]
    assert seen["HostConfig"]["CpusetCpus"] == "0" and seen["HostConfig"]["CpuShares"] == 512
    assert seen["HostConfig"]["Memory"] == 500 << 20 and seen["HostConfig"]["MemorySwap"] == 600 << 20
    assert seen["Config"]["Labels"]["team"] == "qa" and "TZ=UTC" in seen["Config"]["Env"]
    assert seen["Config"]["Hostname"] == "copy" and answers(clone)


def test_limits_that_were_none_before(server, api, docker):
    api.create_clone("one")
    answer = api.call("PATCH", "/clone/one", {"limits": {"cpus": "1"}})
    assert answer.status == 200, answer
    assert json.loads(docker("inspect", container_of(server)).stdout)[0]["HostConfig"]["NanoCpus"] == 10**9
    assert api.call("PATCH", "/clone/one", {"limits": {"memory": "300m"}}).status == 200
    assert api.call("PATCH", "/clone/one", {"limits": {}}).status == 200 and answers(api.get("/clone/one"))


def test_unknown_options_are_refused(server):
    server.stop()
    said = refusal_to_start(server, {"provision": {"containerConfig": {"privileged": True}}})
    assert "privileged" in said and "no such option" in said and "cpuset-cpus" in said and "shm-size" in said


@pytest.mark.parametrize("how", ["kill", "rm"])
def test_a_container_that_is_taken_away_is_started_again(server, api, docker, how):
    clone = api.create_clone("one")
    first = container_of(server)
    docker(how, *(["--force"] if how == "rm" else []), first)
    machine.wait_for(lambda: first not in server.containers() and answers(clone), 40, "the clone in a new container")


def test_containers_outlive_the_server(server, api):
    clone = api.create_clone("one")
    first = container_of(server)
    server.kill()
    assert value(clone, "SELECT 1") == 1
    server.start()
    assert container_of(server) == first and api.wait_ok("one") and answers(clone)


def test_leftovers_that_never_ran_are_removed_at_start(server, docker):
    """As an engine makes them that goes on with a request after the server gave it up."""
    server.api.create_clone("one")
    first = json.loads(docker("inspect", container_of(server)).stdout)[0]
    mark = first["Config"]["Labels"]["ramet.server"]
    server.stop()
    for whose, name in ((mark, "late"), ("0" * 12, "foreign")):
        docker("create", "--name", f"ramet-{whose}-{name}", "--label", f"ramet.server={whose}", "--label", f"ramet.instance={name}",
               docker_daemon.POSTGRES_IMAGE)
    server.start()
    names = docker("ps", "--all", "--format", "{{.Names}}").stdout.split()
    docker("rm", f"ramet-{'0' * 12}-foreign")
    assert f"ramet-{mark}-late" not in names and f"ramet-{'0' * 12}-foreign" in names
    assert container_of(server) == first["Id"] and answers(server.api.get("/clone/one"))


def test_an_engine_that_is_restarted(server, api):
    clone = api.create_clone("one")
    daemon = docker_daemon.shared()
    daemon.stop_processes()
    assert not answers(clone)
    daemon.start()
    machine.wait_for(lambda: answers(clone), 90, "the clone, when its engine is back")
    assert api.wait_ok("one")["status"]["code"] == "OK"


# --- images -----------------------------------------------------------------------------------


def test_an_engine_that_is_not_there(server):
    server.stop()
    said = refusal_to_start(server, {"runtime": {"dockerHost": "unix:///nonexistent/docker.sock"}})
    assert "/nonexistent/docker.sock" in said and "Is it running" in said
    said = refusal_to_start(server, {"runtime": {"dockerHost": "tcp://127.0.0.1:2375"}})
    assert "unix:///path" in said and "must run on this machine" in said


class OldEngine(http.server.BaseHTTPRequestHandler):
    """Answers GET /version, and knows nothing else."""

    def do_GET(self):
        body = json.dumps({"Version": "19.03.15", "ApiVersion": "1.40", "Components": [{"Name": "Engine"}]}).encode()
        self.send_response(200 if self.path == "/version" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):  # of a Unix socket, where the base class wants an address
        return "unix"

    def log_message(self, *_):
        pass


def test_an_engine_that_is_too_old(server):
    server.stop()
    path = server.directory / "old.sock"
    with socketserver.UnixStreamServer(str(path), OldEngine) as engine:
        threading.Thread(target=engine.serve_forever, daemon=True).start()
        said = refusal_to_start(server, {"runtime": {"dockerHost": f"unix://{path}"}})
        engine.shutdown()
    assert "Engine 19.03.15" in said and '"1.40" of the API' in said and "1.41 or later: Docker 20.10" in said


def test_an_image_without_postgres(server, docker):
    docker("image", "inspect", docker_daemon.POSTGRES_IMAGE)
    empty = server.directory / "empty"
    empty.mkdir(exist_ok=True)
    (empty / "Dockerfile").write_text(f"FROM {docker_daemon.POSTGRES_IMAGE}\nUSER root\nRUN rm -r /usr/lib/postgresql/*/bin/postgres\n")
    docker("build", "--network", "none", "--tag", "ramet-test-empty", empty)
    server.stop()
    said = refusal_to_start(server, {"provision": {"dockerImage": "ramet-test-empty"}})
    assert 'no PostgreSQL is in image "ramet-test-empty"' in said


def test_a_volume_of_the_image_cannot_be_filled(make_server, server, docker):
    server.stop()
    folder = server.directory / "volume"
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(f"FROM {docker_daemon.POSTGRES_IMAGE}\nUSER root\n"
                                       "RUN mkdir -p /scratch && chmod 1777 /scratch\nVOLUME /scratch\n")
    docker("build", "--network", "none", "--tag", "ramet-test-volume", folder)
    other = make_server(changes={"provision": {"dockerImage": "ramet-test-volume"}}).start().fill()
    clone = other.api.create_clone("one")
    with pytest.raises(psycopg2.Error):
        query(clone, "COPY (SELECT repeat('x', 1000000)) TO PROGRAM 'cat >/scratch/x'")
    assert not docker("volume", "ls", "--quiet").stdout.split()


class Registry:
    """A registry on a port of loopback, which wants a login."""

    PASSWORD = "registry-s3cret"

    def __init__(self, directory):
        self.port = machine.free_ports(1)
        self.name = f"127.0.0.1:{self.port}"
        users = directory / "users"
        users.write_text(subprocess.run(["htpasswd", "-Bbn", "puller", self.PASSWORD], capture_output=True, text=True,
                                        check=True).stdout)
        config = directory / "registry.yml"
        config.write_text(json.dumps({
            "version": 0.1, "storage": {"filesystem": {"rootdirectory": str(directory / "registry")}},
            "http": {"addr": self.name}, "auth": {"htpasswd": {"realm": "test", "path": str(users)}}}))
        self.log = (directory / "registry.log").open("ab")
        self.process = subprocess.Popen(["docker-registry", "serve", config], cwd=directory, stdout=self.log, stderr=self.log)
        machine.wait_for(lambda: machine.is_listening(self.port), 30, "the registry")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


@pytest.fixture
def registry(server):
    if not shutil.which("docker-registry") or not shutil.which("htpasswd"):
        pytest.skip("docker-registry and htpasswd are not installed")
    directory = machine.make_scratch()
    registry = Registry(directory)
    yield registry
    registry.close()
    machine.clear_away(directory)


def test_an_image_is_pulled_with_a_login(make_server, server, docker, registry):
    server.stop()
    image = f"{registry.name}/team/pg:15"
    docker("tag", docker_daemon.POSTGRES_IMAGE, image)
    docker("login", "--username", "puller", "--password-stdin", registry.name, input=Registry.PASSWORD, stdin=None)
    docker("push", image)
    docker("rmi", image)

    said = refusal_to_start(server, {"provision": {"dockerImage": image}}, {"DOCKER_CONFIG": "/nonexistent"})
    assert f'image "{image}" is not here, and pulling it failed' in said and "docker login" in said

    os.environ["DOCKER_CONFIG"] = str(docker_daemon.shared().directory / "client")
    try:
        other = make_server(changes={"provision": {"dockerImage": image}}).start()
    finally:
        del os.environ["DOCKER_CONFIG"]
    assert docker("image", "inspect", image).returncode == 0
    assert Registry.PASSWORD not in other.log()
    assert other.fill().api.create_clone("one")["status"]["code"] == "OK"


def test_an_image_that_nobody_has(server):
    server.stop()
    said = refusal_to_start(server, {"provision": {"dockerImage": "127.0.0.1:1/nobody/pg:99"}})
    assert 'image "127.0.0.1:1/nobody/pg:99" is not here, and pulling it failed' in said


def test_the_data_of_another_major(server, api, docker):
    """The snapshot is of 15; what the image says it holds is 16."""
    lying = server.directory / "lying"
    lying.mkdir(exist_ok=True)
    (lying / "Dockerfile").write_text(
        f"FROM {docker_daemon.POSTGRES_IMAGE}\nUSER root\nRUN cd /usr/lib/postgresql && mkdir -p 16/bin && "
        "printf '#!/bin/sh\\necho \"postgres (PostgreSQL) 16.1\"\\n' >16/bin/postgres && chmod +x 16/bin/postgres && rm -r 15\n")
    docker("build", "--network", "none", "--tag", "ramet-test-16", lying)
    server.stop()
    server.write_config({"provision": {"dockerImage": "ramet-test-16"}})
    try:
        server.start()
        answer = api.request_clone("old")
        assert answer.status >= 400 and 'PostgreSQL 15 is not in image "ramet-test-16"' in answer.message, answer
    finally:
        server.stop()
        server.write_config({"provision": {"dockerImage": docker_daemon.POSTGRES_IMAGE}})
