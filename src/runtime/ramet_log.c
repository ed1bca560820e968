/*
 * ramet-log: adds what comes from its stdin, a clone's output, to its stdout, the clone's log, and
 * keeps that within bounds. The clone has the end of a pipe, so that it can neither shorten the log
 * nor reserve space with it. rametd starts one for each container; it ends with the container, and
 * outlives rametd.
 *
 *   ramet-log MAX_BYTES
 *
 * rametd itself shortens logs with more care, at the end of a line. Here twice of that is the end:
 * when rametd does not run, or a clone is faster than it. What the disk does not take is dropped,
 * so that nobody waits for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES  65536
#define BLOCK_BYTES  512 /* of st_blocks, stat(2) */
#define LOOK_PARTS   16  /* of the bound: so much is written between two looks */
#define MAX_SMALLEST 65536

static char chunk[CHUNK_BYTES];

static void add_chunk(ssize_t size)
{
    ssize_t done = 0;

    while (done < size) {
        ssize_t n = write(STDOUT_FILENO, chunk + done, (size_t)(size - done));

        if (n < 0 && errno != EINTR)
            return; /* the disk is full: dropped */
        done += n > 0 ? n : 0;
    }
}

/* Punches out what is old, as runtime/log_file.c does; where that cannot be done all of it goes. */
static void keep_bound(int64_t max_bytes)
{
    struct stat log;

    if (fstat(STDOUT_FILENO, &log) < 0 || (int64_t)log.st_blocks * BLOCK_BYTES <= 2 * max_bytes)
        return;
    if (fallocate(STDOUT_FILENO, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                  log.st_size - max_bytes / 4 * 3) == 0)
        return;
    if (ftruncate(STDOUT_FILENO, 0) < 0)
        return; /* tried again at the next look */
}

static int carry(int64_t max_bytes)
{
    int64_t since_look = 0;

    for (;;) {
        ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));

        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return 1;
        if (n < 0)
            continue;
        add_chunk(n);
        since_look += n;
        if (since_look < max_bytes / LOOK_PARTS)
            continue;
        since_look = 0;
        keep_bound(max_bytes);
    }
}

int main(int argc, char **argv)
{
    int64_t max_bytes = argc == 2 ? strtoll(argv[1], NULL, 10) : 0;

    if (max_bytes < MAX_SMALLEST)
        return 2;
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    return carry(max_bytes);
}
