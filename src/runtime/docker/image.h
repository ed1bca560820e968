/*
 * The image of the instances: there already, or pulled. Private to this folder.
 */
#pragma once

#include "base/error.h"
#include "runtime/runtime.h"

/*
 * docker_need_image - see to it that the engine has it. May take minutes, which progress tells.
 *
 *   ret_volumes   its volumes: an object with their paths, or NULL; caller owns the reference
 *
 * Errors: ERR_NOT_FOUND it is not there and cannot be pulled (hint), with what the registry says.
 */
MUST_CHECK Error *docker_need_image(const char *socket, const char *image, RuntimeProgress progress,
                                    void *data, json_t **ret_volumes);
