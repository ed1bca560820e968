/*
 * Values of jansson end with their scope: g_autoptr(json_t). A function that hands one on or keeps it
 * says so by g_steal_pointer() or json_incref().
 */
#pragma once

#include <glib.h>
#include <jansson.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)
