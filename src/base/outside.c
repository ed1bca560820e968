#include "base/outside.h"

#ifdef OUTSIDE_IS_CHECKED
#include <glib.h>

static _Thread_local int outside_depth;

bool outside_is_checked(void)
{
    return true;
}

void outside_forbid(void)
{
    outside_depth++;
}

void outside_allow(void)
{
    g_assert(outside_depth > 0);
    outside_depth--;
}

void outside_call(const char *call)
{
    if (outside_depth > 0)
        g_error("%s() is called with the store locked: it belongs before the transaction", call);
}

#else

bool outside_is_checked(void)
{
    return false;
}

void outside_forbid(void)
{
}

void outside_allow(void)
{
}

void outside_call(const char *call)
{
}

#endif
