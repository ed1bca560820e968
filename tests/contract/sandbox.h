/*
 * A directory for tests that mount things: whatever way the tests end, what they mounted below it
 * is unmounted, its loop devices are detached and the directory is removed. The tests run in a
 * child; after a failed assertion, a crash or a signal the parent cleans up. Of a run whose parent
 * was killed as well, the next run cleans up, finding it by the dead process id in the directory's
 * name. Runs do not disturb each other.
 */
#pragma once

/* Runs body(directory) in a child; returns the exit status for main(). Needs root. */
int sandbox_run(int (*body)(const char *directory));
