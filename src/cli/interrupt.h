/*
 * Ctrl-C while the server is at work: the client ends as any program does (a shell sees 130), and
 * says first that the work goes on, and how to find it again.
 */
#pragma once

/* What is said from now on; NULL = nothing. A text of the caller's, copied. */
void interrupt_set_notice(const char *notice);
