/*
 * What /proc tells about the instances of the process driver. Private to this folder.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

/*
 * An instance is known by two marks. Its environment names it, and what it runs inherits that (a
 * COPY … TO PROGRAM, an archive_command). Its command line has the socket directory, and only its
 * own processes have that. PostgreSQL's children write their titles over both.
 */
#define PROCESS_ENV_STATE    "RAMET_STATE="
#define PROCESS_ENV_INSTANCE "RAMET_INSTANCE="

/* The same as RuntimeFound: found takes the pidfd. */
typedef void (*ProcessFound)(const char *id, int pidfd, const char *data_dir, void *data);

/* Calls found() for the first process of each running instance of this (canonical) state_dir. */
MUST_CHECK Error *process_scan_instances(const char *state_dir, ProcessFound found, void *data);

/*
 * process_scan_kill - SIGKILL for all processes of a user that work in a directory, except those
 * with a terminal (a person looking around there).
 *
 *   dir         of data; in a missing one nobody works
 *   ret_count   how many there were; a zombie does not count
 */
MUST_CHECK Error *process_scan_kill(const char *dir, uid_t uid, int *ret_count);
