/*
 * What rametd does besides serving: pools, the store, the doctor, the configuration.
 */
#pragma once

#include "server/options.h"

MUST_CHECK Error *command_pool_create(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_pool_list(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_pool_check(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_pool_grow(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_pool_destroy(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_store_accept(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_doctor(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_check_config(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_config_reference(const Config *config, const ServerOptions *options);
MUST_CHECK Error *command_version(const Config *config, const ServerOptions *options);

/* Reads options->config_path; caller frees. Warnings are logged, errors are the error's detail. */
MUST_CHECK Error *command_read_config(const ServerOptions *options, Config **ret_config);

/*
 * The exit status: 0 without an error, 2 for a wrong command line or configuration, else 1. Prints
 * message, detail and hint to stderr; frees the error.
 */
int command_exit(Error *e);
