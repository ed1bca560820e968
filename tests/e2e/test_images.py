"""The images of packaging/images, as tests/images/setup has built them: what is in them, and that it works without a network."""

import json
import os
import subprocess

import pytest

from harness import docker_daemon, machine
from harness.docker_daemon import POSTGRES_IMAGE, DockerDaemon, NoImage

LIST = docker_daemon.SETUP.parents[2] / "packaging/images/postgres/extensions"
MAJOR = 15
STRANGER = "54321:54321"  # nobody that the image knows
DATA = "/var/lib/postgresql/data"
SANDBOX = ("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
           "--tmpfs", "/tmp", "--tmpfs", "/run/postgresql:mode=1777")

PRELOADED = ("pg_stat_statements", "pg_stat_kcache", "pg_qualstats", "pg_wait_sampling", "pgaudit", "pg_cron", "pglogical")
SETTINGS = (f"shared_preload_libraries={','.join(PRELOADED)}", "cron.database_name=postgres", "wal_level=logical",
            "shared_buffers=16MB", "max_worker_processes=20")

CREATE_ALL = """
SET client_min_messages = error;
CREATE TEMP TABLE outcome (name text, error text);
DO $$
DECLARE
    extension text;
BEGIN
    FOR extension IN SELECT name FROM pg_available_extensions WHERE installed_version IS NULL LOOP
        BEGIN
            EXECUTE format('CREATE EXTENSION %I CASCADE', extension);
            RAISE EXCEPTION 'made';
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO outcome VALUES (extension, SQLERRM);
        END;
    END LOOP;
END $$;
SELECT json_object_agg(name, error) FROM outcome
"""


def is_internal(extension):
    """Listed, but nothing to create: an output plugin, and PostGIS' names of the libraries of its major."""
    return extension == "decoderbufs" or extension.endswith("-3")


def start_daemon(kind):
    try:
        return DockerDaemon(images=docker_daemon.find_image(kind)).__enter__()
    except NoImage as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def daemon():
    daemon = start_daemon("postgres")
    yield daemon
    daemon.close()


def lines_of(daemon, *command):
    return daemon.docker("run", "--rm", *SANDBOX, POSTGRES_IMAGE, *command).stdout.splitlines()


def psql(daemon, container, sql, *options, check=True):
    return daemon.docker("exec", container, "psql", "--no-psqlrc", "-q", "-v", "ON_ERROR_STOP=1", "-tA", "-U", "postgres", *options, "-c", sql,
                         check=check)


def wait_until_ready(daemon, container):
    def is_ready():
        state = json.loads(daemon.docker("inspect", container).stdout)[0]["State"]
        assert state["Running"], daemon.docker("logs", container).stderr
        # By TCP: the server that initdb's scripts talk to has none.
        return daemon.docker("exec", container, "pg_isready", "-q", "-U", "postgres", "-h", "127.0.0.1", check=False).returncode == 0

    machine.wait_for(is_ready, 60, "an answer of postgres")


@pytest.fixture(scope="module")
def instance(daemon):
    """As a runtime runs it: the whole command line, a read-only root, a user whom the image does not know."""
    data = daemon.directory / "data"
    data.mkdir()
    subprocess.run(["chown", "999:999", data], check=True)
    mount = ("--volume", f"{data}:{DATA}")
    daemon.docker("run", "--rm", *SANDBOX, *mount, POSTGRES_IMAGE, "initdb", "--username=postgres", "--auth=trust", "--no-sync")
    subprocess.run(["chown", "-R", STRANGER, data], check=True)
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    container = daemon.docker("run", "--detach", *SANDBOX, *mount, "--user", STRANGER, POSTGRES_IMAGE,
                              f"/usr/lib/postgresql/{MAJOR}/bin/postgres", "-D", DATA, *settings).stdout.strip()
    wait_until_ready(daemon, container)
    return container


def test_configuration(daemon):
    """Nothing comes before the command of a runtime, and no container gets a volume of its own."""
    config = json.loads(daemon.docker("image", "inspect", POSTGRES_IMAGE).stdout)[0]["Config"]
    assert config["User"] == "postgres" and not config["Entrypoint"] and not config["Volumes"]


def test_list(daemon):
    """Each line of the list was installed, or skipped by name."""
    wanted = {line.split("#")[0].strip().replace("%MAJOR%", str(MAJOR)) for line in LIST.read_text().splitlines()} - {""}
    installed = {line.split()[0] for line in lines_of(daemon, "cat", "/usr/share/ramet/installed")} - {f"postgresql-{MAJOR}"}
    skipped = set(lines_of(daemon, "cat", "/usr/share/ramet/skipped"))
    assert installed | skipped == wanted and not installed & skipped
    assert len(installed) > 50
    assert {f"postgresql-{MAJOR}-{name}" for name in ("cron", "hll", "hypopg", "pgaudit", "partman", "postgis-3", "repack")} <= installed


def test_files(daemon):
    """Each package of the list has brought an extension, or a library to load."""
    installed = [line.split()[0] for line in lines_of(daemon, "cat", "/usr/share/ramet/installed")]
    files = set(lines_of(daemon, "sh", "-c", f"ls /usr/share/postgresql/{MAJOR}/extension /usr/lib/postgresql/{MAJOR}/lib"))
    lists = lines_of(daemon, "sh", "-c", f"for p in {' '.join(installed)}; do echo \"$p\" $(dpkg -L $p); done")
    for package, *paths in map(str.split, lists):
        names = {path.rsplit("/", 1)[1] for path in paths}
        brought = {name for name in names & files if name.endswith((".control", ".so"))}
        assert brought or package.endswith("-scripts"), package


def test_no_secrets_and_no_data(daemon):
    """ssl-cert's key would be the same for all; a cluster of the package would be everybody's."""
    found = daemon.docker("run", "--rm", *SANDBOX, "--user", "0", "--cap-add", "DAC_READ_SEARCH", POSTGRES_IMAGE, "sh", "-c",
                          "find / -xdev -name '*.key' -o -xdev -name '*snakeoil*'; find /etc/ssl/private /var/lib/postgresql "
                          "/etc/postgresql /var/log /var/lib/apt/lists -type f").stdout.split()
    assert [path for path in found if not path.startswith("/usr/share/")] == []


def test_extensions(daemon, instance):
    """CREATE EXTENSION for all that there are, each undone again."""
    rows = json.loads(psql(daemon, instance, CREATE_ALL).stdout)
    assert len(rows) > 100
    failed = [f"{name}: {error}" for name, error in rows.items() if error != "made" and not is_internal(name)]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("extension, sql, result", [
    ("hypopg", "SELECT count(*) FROM hypopg_create_index('CREATE INDEX ON pg_class (relpages)')", "1"),
    ("postgis", "SELECT ST_Area('POLYGON((0 0, 2 0, 2 2, 0 2, 0 0))'::geometry)", "4"),
    ("hll", "SELECT #hll_add(hll_empty(), hll_hash_integer(1))", "1"),
    ("plpython3u", "DO $$ import json; assert json.loads('[1]') == [1] $$ LANGUAGE plpython3u; SELECT 7", "7"),
    ("pg_cron", "SELECT cron.schedule('0 0 * * *', 'SELECT 1')", "1"),
    ("pg_stat_statements", "SELECT count(*) > 0 FROM pg_stat_statements", "t"),
    ("rum", "CREATE TABLE t (v tsvector); CREATE INDEX ON t USING rum (v); SELECT count(*) FROM t", "0"),
])
def test_use(daemon, instance, extension, sql, result):
    done = psql(daemon, instance, f"BEGIN; SET client_min_messages = error; CREATE EXTENSION {extension} CASCADE; {sql}; ROLLBACK")
    assert result in done.stdout.split(), done


def test_wal2json(daemon, instance):
    """No extension, but a library that replication loads."""
    done = psql(daemon, instance, "SELECT pg_create_logical_replication_slot('s', 'wal2json', true)")
    assert done.stdout.startswith("(s,")


def test_run_by_a_person(daemon):
    """Without a command it is a PostgreSQL that asks for the password, and has none of its own."""
    done = daemon.docker("run", "--rm", "--network", "none", POSTGRES_IMAGE, check=False)
    assert done.returncode != 0 and "POSTGRES_PASSWORD" in done.stderr

    container = daemon.docker("run", "--detach", "--network", "none", "--env", "POSTGRES_PASSWORD=for-This-1", POSTGRES_IMAGE).stdout.strip()
    wait_until_ready(daemon, container)
    assert psql(daemon, container, "SELECT current_user").stdout.strip() == "postgres"
    with_password = "host=127.0.0.1 user=postgres password=for-This-1"
    assert psql(daemon, container, "SHOW lc_collate", "-d", with_password).stdout.strip() == "en_US.UTF-8"
    assert psql(daemon, container, "SELECT 1", "-d", "host=127.0.0.1 user=postgres password=other", check=False).returncode != 0
    daemon.docker("stop", container)
    assert json.loads(daemon.docker("inspect", container).stdout)[0]["State"]["ExitCode"] == 0


# --- rametd and the client ------------------------------------------------------------------


@pytest.fixture(scope="module")
def programs():
    if not os.environ.get("RAMET_TEST_PROGRAM_IMAGES"):
        pytest.skip("built from the sources, which takes minutes: make test-images")
    daemon = start_daemon("programs")
    yield daemon
    daemon.close()


def test_cli_image(programs):
    run = ("run", "--rm", "--network", "none", "--read-only", "ramet-cli:test")
    assert programs.docker(*run, "--version").stdout.startswith("ramet ")
    assert "clone" in programs.docker(*run, "help").stdout
    config = json.loads(programs.docker("image", "inspect", "ramet-cli:test").stdout)[0]["Config"]
    assert config["User"] == "ramet" and config["Entrypoint"] == ["ramet"]


def test_rametd_image(programs):
    config = programs.directory / "server.yml"
    config.write_text(json.dumps({"server": {"verificationToken": "some-Token", "stateDir": "/var/lib/ramet"},
                                  "poolManager": {"mountDir": "/var/lib/ramet/pools"},
                                  "provision": {"portPool": {"from": 6000, "to": 6099}}}))
    run = ("run", "--rm", "--network", "none", "--volume", f"{config}:/etc/ramet/server.yml:ro", "ramet-rametd:test")
    assert programs.docker(*run, "--version").stdout.startswith("rametd ")
    programs.docker(*run, "--config", "/etc/ramet/server.yml", "--check-config")


def test_rametd_image_has_its_programs(programs):
    names = "crun zfs zpool lvcreate thin_check btrfs mkfs.btrfs mkfs.xfs mkfs.ext4 losetup pg_dump psql ramet-gateway"
    look = f"for name in {names}; do command -v $name >/dev/null || echo $name; done"
    assert programs.docker("run", "--rm", "--network", "none", "--entrypoint", "sh", "ramet-rametd:test", "-c", look).stdout == ""
