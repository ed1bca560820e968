/*
 * Errors to exit statuses. client.c chooses an error's code with this table in mind: what the
 * server refuses is ERR_EXTERNAL, what the user typed wrong is ERR_INVALID, a server out of reach
 * is ERR_BUSY.
 */
#include "cli/exit_status.h"

const ExitStatusRow exit_status_rows[] = {
    {STATUS_OK, "success"},
    {STATUS_FAILED, "failed: the server refused, the work failed, or `doctor` found something; "
                    "also an answer that no Ramet server gives"},
    {STATUS_USAGE, "wrong use: the command line, a file it names, a variable or the config file; "
                   "nothing was sent"},
    {STATUS_NOT_FOUND, "the clone, snapshot, branch or environment does not exist"},
    {STATUS_DENIED, "the server refused the token"},
    {STATUS_UNREACHABLE, "the server could not be reached"},
    {STATUS_TIMED_OUT, "timed out waiting; the work may go on at the server"},
    {STATUS_INTERRUPTED, "interrupted (Ctrl-C); what was asked for goes on at the server"},
    {0},
};

ExitStatus exit_status_of(const Error *e)
{
    if (!e)
        return STATUS_OK;
    switch (e->code) {
    case ERR_INVALID:
        return STATUS_USAGE;
    case ERR_NOT_FOUND:
        return STATUS_NOT_FOUND;
    case ERR_DENIED:
        return STATUS_DENIED;
    case ERR_BUSY:
        return STATUS_UNREACHABLE;
    case ERR_TIMEOUT:
        return STATUS_TIMED_OUT;
    case ERR_CONFLICT:
    case ERR_NO_SPACE:
    case ERR_EXTERNAL:
    case ERR_BUG:
        break;
    }
    return STATUS_FAILED;
}
