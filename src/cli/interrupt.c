/*
 * A handler for SIGINT. It runs between any two instructions: the text it writes is ready before.
 */
#include "cli/interrupt.h"

#include <glib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define INTERRUPT_NOTICE_MAX 500

static char interrupt_notice[INTERRUPT_NOTICE_MAX + sizeof("\n…\n")];

static void interrupt_say(int signal_number)
{
    if (write(STDERR_FILENO, interrupt_notice, strlen(interrupt_notice)) < 0)
        interrupt_notice[0] = '\0'; /* nobody listens */
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void interrupt_set_notice(const char *notice)
{
    g_autofree char *shown = notice ? text_printable(notice, INTERRUPT_NOTICE_MAX) : NULL;
    struct sigaction now = {0};

    sigaction(SIGINT, NULL, &now);
    if (now.sa_handler == SIG_IGN) /* of a job in the background */
        return;
    signal(SIGINT, SIG_DFL); /* while the text changes */
    if (!shown)
        return;
    g_snprintf(interrupt_notice, sizeof(interrupt_notice), "\n%s\n", shown);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = interrupt_say}, NULL);
}
