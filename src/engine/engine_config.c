/*
 * The configuration that holds now.
 */
#include "engine/engine.h"

Config *engine_config(const Engine *engine)
{
    GMutex *lock = (GMutex *)(uintptr_t)&engine->config_lock; /* who only reads takes it, too */

    g_mutex_lock(lock);
    Config *config = config_ref(engine->config);
    g_mutex_unlock(lock);
    return config;
}

void engine_set_config(Engine *engine, const Config *config)
{
    Config *next = config_ref(config);

    g_mutex_lock(&engine->config_lock);
    Config *last = engine->config;
    engine->config = next;
    g_mutex_unlock(&engine->config_lock);
    config_unref(last);
}
