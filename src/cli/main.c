/*
 * ramet, the command-line client. Everything is in cli.c and the table in commands.c.
 */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return (int)cli_run((const char *const *)argv);
}
