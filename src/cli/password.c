/*
 * A password, without showing it.
 */
#include "cli/password.h"

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

Error *password_ask(const char *prompt, char **ret_password)
{
    struct termios shown;
    struct termios hidden;
    Error *e = NULL;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &shown) != 0)
        return error_hint(error_new(ERR_INVALID, "required option \"--password\" is not set"),
                          "Set RAMET_CLONE_PASSWORD, or use --password-file.");
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    fputs(prompt, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    e = password_read_line(stdin, ret_password);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return e;
}

Error *password_read_file(const char *path, char **ret_password)
{
    g_autofree char *text = NULL;
    Error *e = NULL;

    if (strcmp(path, "-") == 0)
        return password_read_line(stdin, ret_password);
    e = fs_read_file(path, PASSWORD_FILE_MAX, &text);
    if (e)
        return error_wrap(e, "reading the password");
    *ret_password = g_strndup(text, strcspn(text, "\r\n"));
    return NULL;
}
