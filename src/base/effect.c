/*
 * The one pointer that tests set.
 */
#include "base/effect.h"

EffectHook effect_hook;

Error *effect_begin(const char *what)
{
    return effect_hook ? effect_hook(what) : NULL;
}
