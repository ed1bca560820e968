"""PostgreSQL's own regression tests, run in a clone: it is a PostgreSQL like any other, but for what isolation forbids.

tests/regression/setup has what they need, for the PostgreSQL that is installed here."""

import os
import pathlib
import re
import subprocess

import pytest

from harness import machine
from harness.api import PASSWORD, USER, query

pytestmark = pytest.mark.skipif(machine.RUNTIME != "oci", reason="the tests' files are brought into containers of oci")

SETUP = pathlib.Path(__file__).resolve().parents[1] / "regression" / "setup"
SETUP_TIMEOUT = 300
SUITE_TIMEOUT = 600

# Tests that cannot pass in a clone, and why.
FORBIDDEN = {
    "largeobject": "psql is to read a file that the server wrote: they have no files in common",
    "sequence": "the user is to own the catalogs: that is the manager, a clone's user is another superuser",
}

# What a container could change: files, time zones, locales, functions in C, shared memory, other processes. With what
# these tests need of others. All 217 are run with RAMET_TEST_ALL_REGRESSION=1; the rest is of planner and executor alone.
CHOSEN = set("""
    test_setup tablespace
    char varchar text int8 float8 money uuid txid regproc pg_lsn
    strings date time timetz timestamp timestamptz interval inet
    horology misc_sanity comments unicode xid mvcc database encoding euc_kr
    copy copyselect copydml create_function_c create_misc create_operator create_procedure create_table create_type
    create_schema create_index create_cast vacuum roleattributes create_am infinite_recurse sanity_check
    select_into transactions random portals prepared_xacts namespace
    init_privs security_label collate lock password
    misc async dbsize misc_functions sysviews collate.icu.utf8 create_role psql collate.linux.utf8
    select_parallel write_parallel vacuum_parallel publication subscription
    guc tsdicts xmlmap advisory_lock indirect_toast json json_encoding
    copy2 temp prepare conversion truncate sequence largeobject xml reloptions stats explain tuplesort
    compression event_trigger oidjoins fast_default
""".split())

# What the tests expect of a server; nothing here has to survive a crash. Compiling queries costs more than it saves.
SETTINGS = {"max_connections": "60", "shared_buffers": "64MB", "fsync": "off", "jit": "off"}

RESULT = re.compile(r"^(?:test|    ) +(\S+) +\.\.\. (\w+)", re.MULTILINE)


@pytest.fixture(scope="module")
def installation():
    done = subprocess.run([SETUP], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=SETUP_TIMEOUT * machine.PATIENCE, check=False)
    if done.returncode != 0:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return pathlib.Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def module_server(installation, make_server):
    """Its clones see the installation, and with it the tests' files."""
    changes = {"postgres": {"binDirs": [str(installation)]}, "databaseConfigs": {"configs": SETTINGS}}
    return make_server(changes=changes).start().fill()


def write_schedule(tests, path):
    """The order is PostgreSQL's."""
    schedule = (tests / "parallel_schedule").read_text()
    groups = [line.split()[1:] for line in schedule.splitlines() if line.startswith("test:")]
    if "RAMET_TEST_ALL_REGRESSION" not in os.environ:
        groups = [[name for name in group if name in CHOSEN] for group in groups]
    path.write_text("".join(f"test: {' '.join(group)}\n" for group in groups if group))
    return path


def run_suite(installation, clone, output):
    """{test: "ok" or "FAILED"}, and what pg_regress says."""
    pg_regress = (installation / "bin" / "psql").resolve().parents[1] / "lib/pgxs/src/test/regress/pg_regress"
    tests = installation / "lib" / "regress"
    command = [pg_regress, "--host=127.0.0.1", f"--port={clone['db']['port']}", f"--user={USER}",
               f"--bindir={installation / 'bin'}", f"--dlpath={installation / 'lib'}", f"--inputdir={tests}",
               f"--outputdir={output}", f"--schedule={write_schedule(tests, output / 'schedule')}"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
                          env=os.environ | {"PGPASSWORD": PASSWORD}, timeout=SUITE_TIMEOUT * machine.PATIENCE)
    return dict(RESULT.findall(done.stdout)), done.stdout + done.stderr


def differences(output):
    """What came instead of what was expected."""
    path = output / "regression.diffs"
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(line[:200] for line in lines if line.startswith("+"))[:10000]


def test_regression_suite(installation, server):
    clone = server.api.create_clone("regression", db={"db_name": "postgres"})
    output = server.directory / "regression"
    output.mkdir()
    query(clone, f"COPY (SELECT 1) TO PROGRAM 'mkdir -p {output}/results'", dbname="postgres")  # what servers write, goes there

    results, said = run_suite(installation, clone, output)
    assert CHOSEN <= set(results), said
    failed = {name for name, result in results.items() if result != "ok"}
    assert failed == set(FORBIDDEN), differences(output)
