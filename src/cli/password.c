/*
 * A password, without showing it.
 */
#include "cli/password.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fs.h"

#define PASSWORD_FILE_MAX 4096

static Error *password_read_line(FILE *in, char **ret_line)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, in);

    if (length >= 0)
        *ret_line = g_strndup(line, strcspn(line, "\r\n"));
    free(line);
    return length >= 0 ? NULL : error_new(ERR_INVALID, "no password was given");
}

/* --- asking --- */

static struct termios password_shown; /* the terminal with echo */

/* Ctrl-C at the prompt must not leave a terminal behind that shows nothing. */
static void password_interrupted(int signal_number)
{
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &password_shown);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static Error *password_read_hidden(const char *prompt, char **ret_password)
{
    struct termios hidden = password_shown;
    struct sigaction before = {0};
    Error *e = NULL;

    hidden.c_lflag &= ~(tcflag_t)ECHO;
    sigaction(SIGINT, &(struct sigaction){.sa_handler = password_interrupted}, &before);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden); /* drops what was typed too early */
    fputs(prompt, stderr);
    e = password_read_line(stdin, ret_password);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &password_shown);
    sigaction(SIGINT, &before, NULL);
    fputc('\n', stderr);
    return e;
}

Error *password_ask(const char *prompt, char **ret_password)
{
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &password_shown) != 0)
        return error_hint(error_new(ERR_INVALID, "required option \"--password\" is not set"),
                          "Set RAMET_CLONE_PASSWORD, or use --password-file.");
    return password_read_hidden(prompt, ret_password);
}

Error *password_read_file(const char *path, char **ret_password)
{
    g_autofree char *text = NULL;
    Error *e = NULL;

    if (strcmp(path, "-") == 0)
        return password_read_line(stdin, ret_password);
    e = fs_read_file(path, PASSWORD_FILE_MAX, &text);
    if (e) {
        e->code = ERR_INVALID; /* whatever it is: the command line names a file that will not do */
        return error_wrap(e, "reading the password");
    }
    *ret_password = g_strndup(text, strcspn(text, "\r\n"));
    return NULL;
}
