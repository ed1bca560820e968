"""One rametd: its configuration, its image-backed pool, and its life."""

import json
import os
import shutil
import signal
import subprocess
import urllib.error

from . import docker_daemon, machine
from .api import Api
from .source import PASSWORD

TOKEN = "e2e-Token"
N_PORTS = 20


def merge(base, changes):
    """base with the changes put in; None removes a key."""
    merged = dict(base)
    for key, change in changes.items():
        if change is None:
            merged.pop(key, None)
        elif isinstance(change, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], change)
        else:
            merged[key] = change
    return merged


class Server:
    """Made with a pool and not started. `changes` are merged into the usual configuration."""

    def __init__(self, build, source, changes=None, driver=None, size="2G"):
        self.build = build
        self.directory = machine.make_scratch()
        self.port = machine.free_ports(1)
        self.first_port = machine.free_ports(N_PORTS)
        self.config_path = self.directory / "server.yml"
        self.log_path = self.directory / "rametd.log"
        self.crun = self.directory / "crun"
        self.config = merge(self._usual_config(source), changes or {})
        self.process = None
        self.fault = None
        self.api = Api(f"http://127.0.0.1:{self.port}", TOKEN)
        self.write_config()
        self.driver = driver or os.environ.get("RAMET_TEST_DRIVER", "btrfs")
        self.pools = []  # beside the first one
        self.create_pool(size)

    def create_pool(self, size):
        self.rametd("pool", "create", "e2e", "--driver", self.driver, "--image", self.directory / "pool.img", "--size", size)

    def destroy_pool(self):
        self.rametd("pool", "destroy", "e2e", "--force")

    def _usual_runtime(self):
        """crun (or $RAMET_TEST_OCI_PROGRAM) by a link of our own: without it no instance starts."""
        if machine.RUNTIME == "process":
            return {"driver": "process", "trusted": True}
        if machine.RUNTIME == "docker":
            return {"driver": "docker", "dockerHost": f"unix://{docker_daemon.shared().socket}"}
        self.crun.symlink_to(shutil.which(os.environ.get("RAMET_TEST_OCI_PROGRAM", "crun")))
        root = docker_daemon.find_image("postgres") / "rootfs" if machine.RUNTIME == "image" else ""
        return {"driver": "oci", "ociProgram": str(self.crun), "root": str(root)}

    def _usual_config(self, source):
        restore_configs = {"shared_buffers": "32MB"}
        return {
            "server": {"host": "127.0.0.1", "port": self.port, "verificationToken": TOKEN,
                       "stateDir": str(self.directory / "state")},
            "global": {"engine": "postgres", "debug": True},
            "poolManager": {"mountDir": str(self.directory / "pools"), "dataSubDir": "data"},
            "runtime": self._usual_runtime(),
            "postgres": {"osUser": "postgres"},
            "databaseConfigs": {"configs": {"shared_buffers": "16MB", "max_connections": "20"}},
            "provision": {"portPool": {"from": self.first_port, "to": self.first_port + N_PORTS - 1},
                          "dockerImage": docker_daemon.POSTGRES_IMAGE if machine.RUNTIME == "docker" else "",
                          "cloneAccessAddresses": "127.0.0.1"},
            "cloning": {"accessHost": "localhost"},
            "retrieval": {
                "refresh": {"skipStartRefresh": True},
                "jobs": ["logicalDump", "logicalRestore", "logicalSnapshot"],
                "spec": {
                    "logicalDump": {"options": {
                        "dumpLocation": str(self.directory / "dump"), "parallelJobs": 2,
                        "source": {"connection": {"host": "127.0.0.1", "port": source.port, "username": "postgres",
                                                  "password": PASSWORD, "dbname": "postgres"}}}},
                    "logicalRestore": {"options": {"dumpLocation": str(self.directory / "dump"), "parallelJobs": 2,
                                                   "configs": restore_configs}},
                    "logicalSnapshot": {"options": {"configs": {"shared_buffers": "16MB"}}}}}}

    def add_pool(self, name, image, size="2G"):
        self.rametd("pool", "create", name, "--driver", self.driver, "--image", image, "--size", size)
        self.pools.append(name)

    # --- files and programs -----------------------------------------------------------------

    def write_config(self, changes=None):
        """JSON is YAML too."""
        self.config = merge(self.config, changes or {})
        self.config_path.write_text(json.dumps(self.config, indent=2))

    def rametd(self, *arguments, check=True):
        """Runs rametd as a command (pool create, --doctor) to its end."""
        return self._run([self.build / "rametd", "--config", self.config_path, *arguments], check)

    def cli(self, *arguments, check=True, env=None):
        home = {"HOME": str(self.directory)}
        return self._run([self.build / "ramet", "--url", self.api.url, "--token", TOKEN, *arguments], check,
                         os.environ | home | (env or {}))

    @staticmethod
    def _run(command, check, env=None):
        command = list(map(str, command))
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=120 * machine.PATIENCE, env=env, check=False)
        assert not check or done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def log(self):
        return self.log_path.read_text(errors="replace")

    # --- life -------------------------------------------------------------------------------

    def start(self, fault=None, wait=True):
        self.fault = fault
        program = self.build / ("rametd-faults" if fault else "rametd")
        environment = os.environ | ({"RAMET_FAULT": fault} if fault else {})
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen([program, "--config", self.config_path], cwd="/",
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        machine.wait_for(self._answers, 30, "an answer of the server")

    def _answers(self):
        assert self.is_running(), f"rametd ended with status {self.process.returncode}:\n{self.log()[-3000:]}"
        try:
            return self.api.call("GET", "/healthz", timeout=5).status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30 * machine.PATIENCE)

    def restart(self, fault=None, kill=True):
        if self.is_running():
            if kill:
                self.kill()
            else:
                self.stop()
        return self.start(fault)

    def wait_death(self, timeout=60):
        """True when the server (which a fault should kill) ends in time."""
        try:
            self.process.wait(timeout * machine.PATIENCE)
        except subprocess.TimeoutExpired:
            return False
        return True

    # --- refresh ----------------------------------------------------------------------------

    def retrieval(self):
        return self.api.get("/instance/retrieval")

    def refresh(self, timeout=120):
        """Runs a full refresh to its end; the retrieval's state then."""
        answer = self.api.call("POST", "/full-refresh")
        assert answer.status == 200, answer
        return self.wait_refreshed(timeout)

    def wait_refreshed(self, timeout=120):
        final = ("finished", "failed")
        try:
            machine.wait_for(lambda: self.retrieval()["status"] not in final, 2, "a refresh under way")
        except AssertionError:
            pass  # it was over before we looked
        machine.wait_for(lambda: self.retrieval()["status"] in final, timeout, "the end of the refresh")
        return self.retrieval()

    def fill(self):
        """The first refresh, which must succeed."""
        state = self.refresh()
        assert state["status"] == "finished", f"{state}\n{self.log()[-3000:]}"
        return self

    def snapshots(self):
        return self.api.get("/snapshots")

    # --- containers -------------------------------------------------------------------------

    def containers(self):
        """Names of those that Docker has for this server, running or not."""
        if self.config["runtime"]["driver"] != "docker":
            return []
        label = f"label=ramet.server={machine.hash_of_state(self.config['server']['stateDir'])}"
        listing = docker_daemon.shared().docker("ps", "--all", "--no-trunc", "--filter", label, "--format", "{{.ID}}")
        return listing.stdout.split()

    def cgroups(self):
        """Directories of its containers' control groups, in all hierarchies."""
        if self.config["runtime"]["driver"] != "docker":
            return machine.cgroups_of(self.directory)
        groups = machine.cgroups_of(docker_daemon.shared().directory)
        return [group / name for group in groups for name in self.containers() if (group / name).is_dir()]

    def cut_power(self):
        """Whatever is of it ends at once, rametd too."""
        machine.kill_all(self.directory)
        for container in self.containers():
            docker_daemon.shared().docker("kill", container, check=False)

    # --- the end ----------------------------------------------------------------------------

    def dumps(self):
        """Names of what lies in dumpLocation."""
        location = self.directory / "dump"
        return sorted(path.name for path in location.iterdir()) if location.is_dir() else []

    def check(self):
        """The doctor finds nothing, asked through the server if it runs. What was just asked for may take a moment."""
        if not self.is_running():
            self.check_without_server()
            return
        if self.retrieval()["status"] in ("finished", "failed", "inactive"):
            assert not self.dumps(), "the source's data was left in dumpLocation"
        try:
            machine.wait_for(lambda: not self._findings(), 5, "a clean doctor")
        except AssertionError:
            raise AssertionError(f"the doctor finds {self._findings()}") from None

    def _findings(self):
        """Of GET /doctor, without the FATAL clones: those are on record, as they should be."""
        report = self.api.get("/doctor")
        assert report["clean"] is (report["findings"] == []), report
        fatal = {clone["id"] for clone in self.api.get("/clones") if clone["status"]["code"] == "FATAL"}
        return [finding for finding in report["findings"] if finding["name"] not in fatal]

    def check_without_server(self):
        done = self.rametd("--doctor", check=False)
        assert done.returncode == 0, f"rametd --doctor: {done.returncode}\n{done.stdout}{done.stderr}"

    def close(self):
        """Destroys all clones, stops, and proves that nothing is left."""
        try:
            if not self.is_running():
                self.start()
            self.api.destroy_all_clones()
            self.check()
            assert self.stop() == 0
            self.check_without_server()
            for pool in self.pools:
                self.rametd("pool", "destroy", pool, "--force")
            self.destroy_pool()
            ports = range(self.first_port, self.first_port + N_PORTS)
            assert not machine.leftovers(self.directory), machine.leftovers(self.directory)
            assert not self.containers(), self.containers()
            assert not [port for port in ports if machine.is_listening(port)]
        finally:
            if self.is_running():
                self.kill()
            machine.clear_away(self.directory)
