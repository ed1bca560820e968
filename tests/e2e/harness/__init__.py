"""Real servers on real storage for the end-to-end tests.

machine   what a test may leave on the machine: directories, processes, mounts, loop devices, ports
source    the database that is cloned
server    one rametd with its configuration, pool and life (start, kill -9, restart, doctor)
faults    kill -9 and failures at chosen steps of the server's operations
matrix    a table of what worked, printed at the end
api       HTTP and PostgreSQL clients of that server

docker_daemon: a Docker daemon of a test's own, with the images of tests/images/setup
"""
