/*
 * What rametd does besides serving: pools, the doctor, the configuration.
 */
#pragma once

#include "server/options.h"

MUST_CHECK Error *command_pool_create(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_pool_list(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_pool_destroy(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_doctor(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_check_config(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_config_reference(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_version(const Config *config, const ServerOptions *options);

/* Reads options->config_path, printing every problem to stderr. */
MUST_CHECK Error *command_read_config(const ServerOptions *options, Config **ret_config);

/*
 * Prints message, detail and hint; frees the error. 0 without one, 2 for a wrong command line, else
 * 1.
 */
int command_exit(Error *e);
