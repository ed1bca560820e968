/*
 * The file's tree against the table of options: stores what fits, reports what does not.
 */
#pragma once

#include "config/config.h"
#include "config/report.h"
#include "config/yaml.h"

/*
 * walk_file - take over every option of the file.
 *
 *   root     top node of the file
 *   config   holds the defaults; values of the file replace them
 *   report   gets each problem: wrong types and ranges, unknown keys and those not built yet,
 *            variables that are not set; and the line of each key
 */
void walk_file(const YamlNode *root, Config *config, Report *report);
