"""Fixtures: the built programs, one source for the whole run, and a filled server for each module."""

import os
import pathlib

import pytest

from harness import docker_daemon, machine, matrix
from harness.api import query, value
from harness.server import Server
from harness.source import Source

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def pytest_sessionstart(session):
    if os.geteuid() == 0 and not hasattr(session.config, "workerinput"):
        machine.clear_killed_runs()  # once, before the workers of xdist begin


def pytest_sessionfinish():
    docker_daemon.close_shared()


def missing():
    """What these tests need and this machine has not, or None."""
    if os.geteuid() != 0:
        return "pools are mounted: needs root"
    if machine.RUNTIME in ("docker", "image"):
        try:
            docker_daemon.find_image("postgres")
        except docker_daemon.NoImage as error:
            return f"no image: {error}"
    return None


def pytest_collection_modifyitems(items):
    reason = missing()
    for item in items if reason else ():
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failure shows the end of the server's log."""
    report = (yield).get_result()
    server = item.funcargs.get("module_server")
    if report.failed and server and server.log_path.exists():
        ending = "" if server.is_running() else f"rametd ended with status {server.process.returncode}\n"
        report.sections.append(("rametd", ending + "\n".join(server.log().splitlines()[-25:])))


def pytest_terminal_summary(terminalreporter):
    """What the tests of versions have to say."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    lines = matrix.lines_of(reports)
    if lines:
        terminalreporter.section("PostgreSQL versions")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def build():
    """The directory of rametd and ramet: $RAMET_BUILD, or build/ of the checkout."""
    path = pathlib.Path(os.environ.get("RAMET_BUILD", CHECKOUT / "build"))
    assert (path / "rametd").exists(), f"there is no {path}/rametd: run `make build`"
    return path


@pytest.fixture(scope="session")
def source():
    """Shared by all: a test that changes it puts it back."""
    cluster = Source()
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def make_server(build, source):
    """Servers of the module, made to measure; closed, and proved to leave nothing, at its end."""
    servers = []

    def make(**options):
        servers.append(Server(build, source, **options))
        return servers[-1]

    yield make
    for server in reversed(servers):
        server.close()


@pytest.fixture(scope="module")
def module_server(make_server):
    """Started and filled; shared by the tests of the module."""
    return make_server().start().fill()


@pytest.fixture
def server(module_server):
    """The module's server, running, without clones; after the test the doctor must find nothing."""
    if module_server.fault:
        module_server.restart()
    elif not module_server.is_running():
        module_server.start()
    yield module_server
    try:
        module_server.check()
    finally:
        if module_server.is_running():
            module_server.api.destroy_all_clones()


@pytest.fixture
def api(server):
    return server.api


@pytest.fixture
def stage(server):
    """A clone that nobody touches, and one to work on; returns the snapshots there are."""
    query(server.api.create_clone("witness"), "CREATE TABLE mine AS SELECT 7 AS n")

    def prepare(kind):
        if kind != "create":
            query(server.api.create_clone("subject"), "CREATE TABLE mine AS SELECT 7 AS n")
        return {snapshot["id"] for snapshot in server.snapshots()}

    yield prepare
    assert value(server.api.wait_ok("witness"), "SELECT n FROM mine") == 7
