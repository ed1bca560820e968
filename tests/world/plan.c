/*
 * One count of effects, and the two numbers that it is compared with.
 */
#include "plan.h"

static struct {
    GMutex lock; /* for all below */
    Fault faults[2];
    int n_effects, n_stuck;
    const char *stuck; /* the name of what fails until it is released */
    bool is_dead;
} plan;

static __thread const Fault *late; /* the fault that comes when the effect is done */

static Error *plan_error(int number)
{
    static const ErrorCode codes[] = {ERR_NO_SPACE, ERR_EXTERNAL, ERR_TIMEOUT, ERR_BUSY};

    return error_new(codes[number % (int)G_N_ELEMENTS(codes)], "effect %d failed", number);
}

static Error *plan_stick(const char *what)
{
    plan.stuck = what;
    plan.n_stuck++;
    return error_new(ERR_EXTERNAL, "%s is stuck", what);
}

Error *plan_before(const char *what)
{
    Error *e = NULL;

    g_mutex_lock(&plan.lock);
    late = NULL;
    if (!plan.is_dead)
        plan.n_effects++;
    if (!plan.is_dead && g_strcmp0(plan.stuck, what) == 0)
        e = plan_stick(what);
    for (size_t i = 0; !e && i < G_N_ELEMENTS(plan.faults); i++) {
        const Fault *fault = &plan.faults[i];
        if (fault->at != plan.n_effects || plan.is_dead)
            continue;
        if (fault->how == FAULT_KILLS)
            plan.is_dead = true;
        else if (fault->how == FAULT_STICKS)
            e = plan_stick(what);
        else if (fault->how == FAULT_FAILS)
            e = plan_error(plan.n_effects);
        else
            late = fault;
    }
    if (plan.is_dead) {
        error_free(e);
        e = error_new(ERR_EXTERNAL, "the server is dead");
    }
    g_mutex_unlock(&plan.lock);
    return e;
}

/* The store is told of a fault before alone: its own writes are done or not. */
Error *plan_before_write(const char *what)
{
    Error *e = plan_before(what);

    if (late && late->how == FAULT_IS_LATE)
        late = NULL;
    if (late) {
        g_mutex_lock(&plan.lock);
        plan.is_dead = true;
        g_mutex_unlock(&plan.lock);
        late = NULL;
        return error_new(ERR_EXTERNAL, "the server is dead");
    }
    return e;
}

Error *plan_after(void)
{
    if (!late)
        return NULL;
    FaultHow how = late->how;
    late = NULL;
    if (how == FAULT_IS_LATE)
        return error_new(ERR_TIMEOUT, "the deadline passed");
    g_mutex_lock(&plan.lock);
    plan.is_dead = true;
    g_mutex_unlock(&plan.lock);
    return error_new(ERR_EXTERNAL, "the server is dead");
}

void plan_arm(Fault first, Fault second)
{
    g_mutex_lock(&plan.lock);
    plan.n_effects = plan.n_stuck = 0;
    plan.stuck = NULL;
    plan.faults[0] = first;
    plan.faults[1] = second;
    g_mutex_unlock(&plan.lock);
}

int plan_count(void)
{
    g_mutex_lock(&plan.lock);
    int count = plan.n_effects;
    g_mutex_unlock(&plan.lock);
    return count;
}

bool plan_is_dead(void)
{
    g_mutex_lock(&plan.lock);
    bool is_dead = plan.is_dead;
    g_mutex_unlock(&plan.lock);
    return is_dead;
}

int plan_stuck(void)
{
    g_mutex_lock(&plan.lock);
    int count = plan.n_stuck;
    g_mutex_unlock(&plan.lock);
    return count;
}

void plan_release(void)
{
    g_mutex_lock(&plan.lock);
    plan.stuck = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(plan.faults); i++)
        plan.faults[i] = (Fault){0};
    g_mutex_unlock(&plan.lock);
}

void plan_revive(void)
{
    g_mutex_lock(&plan.lock);
    plan.is_dead = false;
    g_mutex_unlock(&plan.lock);
}
