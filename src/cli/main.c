/*
 * ramet, the command-line client. Everything is in cli.c and the table in commands.c.
 */
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"

/*
 * Whoever starts us with stdout closed must not find our output in the file or connection that would
 * get its number. Opened to read, it refuses what is written: the run fails, as it should.
 */
static void main_fill_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            _exit(STATUS_FAILED);
}

int main(int argc, char **argv)
{
    main_fill_standard_streams();
    return (int)cli_run((const char *const *)argv);
}
