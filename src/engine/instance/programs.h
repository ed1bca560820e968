/*
 * Which PostgreSQL programs there are for instances: this machine's, or those of the image that the
 * runtime runs them from. Clients' programs (pg_dump, psql, …) are always this machine's.
 */
#pragma once

#include "engine/engine.h"
#include "postgres/installation.h"

/*
 * programs_open - look into the image, when there is one.
 *
 * Errors: those of image_probe_parse() and runtime_run_inside().
 */
MUST_CHECK Error *programs_open(Engine *engine);
void programs_close(Engine *engine);

/* postgres.binDirs, for installation_list(); caller frees. */
char **programs_bin_dirs(const Config *config);

/* installation_choose() of what there is; caller frees. */
MUST_CHECK Error *programs_find(const Engine *engine, int64_t major, Installation **ret);
MUST_CHECK Error *programs_find_for_source(const Engine *engine, int64_t source_major,
                                           Installation **ret);

/* installation_program() of a client's program. */
MUST_CHECK Error *programs_find_client(const Engine *engine, const Installation *installation,
                                       const char *program, char **ret_path);

/* conf_check_values(), asked where instances run. */
MUST_CHECK Error *programs_check_settings(const Engine *engine, const Installation *installation,
                                          const json_t *settings);
