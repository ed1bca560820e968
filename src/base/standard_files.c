/*
 * Descriptors 0 to 2.
 */
#include "base/standard_files.h"

#include <fcntl.h>
#include <unistd.h>

void standard_files_open(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* The lowest free number is this one. It stays open in programs that we start. */
        if (open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
            _exit(1); /* nobody could be told why */
    }
}
