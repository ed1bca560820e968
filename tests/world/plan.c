/*
 * One count of effects, and the two numbers that it is compared with.
 */
#include "plan.h"

#include "store/store.h"

static struct {
    GMutex lock; /* for all below */
    Fault faults[2];
    int n_effects, n_stuck;
    const char *stuck; /* the name of what fails until it is released */
    bool is_dead;
    int meets_at, n_passed;
    void (*meanwhile)(void *data);
    void *meanwhile_data;
} plan;

static __thread const Fault *late; /* the fault that comes when the effect is done */

static Error *plan_error(const Fault *fault)
{
    static const struct {
        ErrorCode code;
        const char *message;
    } errors[] = {
        [FAULT_NO_SPACE] = {ERR_NO_SPACE, "No space left on device"},
        [FAULT_IO] = {ERR_EXTERNAL, "Input/output error"},
        [FAULT_TIMEOUT] = {ERR_TIMEOUT, "no answer in time"},
        [FAULT_EXIT] = {ERR_EXTERNAL, "the program ended with status 1"},
        [FAULT_BUSY] = {ERR_BUSY, "busy"},
    };

    return error_new(errors[fault->error].code, "effect %d: %s", fault->at,
                     errors[fault->error].message);
}

static Error *plan_stick(const char *what)
{
    plan.stuck = what;
    plan.n_stuck++;
    return error_new(ERR_EXTERNAL, "%s is stuck", what);
}

/* Where others may come in between: nobody here has the store's lock. */
static void plan_pass(void)
{
    void (*meanwhile)(void *data) = NULL;

    g_mutex_lock(&plan.lock);
    if (++plan.n_passed == plan.meets_at && !plan.is_dead)
        meanwhile = plan.meanwhile;
    g_mutex_unlock(&plan.lock);
    if (meanwhile)
        meanwhile(plan.meanwhile_data);
}

Error *__real_store_begin(Store *store, StoreDurability durability, StoreTransaction **ret_tx);
Error *__wrap_store_begin(Store *store, StoreDurability durability, StoreTransaction **ret_tx);

Error *__wrap_store_begin(Store *store, StoreDurability durability, StoreTransaction **ret_tx)
{
    plan_pass();
    return __real_store_begin(store, durability, ret_tx);
}

static Error *plan_count_one(const char *what)
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
            e = plan_error(fault);
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

Error *plan_before(const char *what)
{
    plan_pass();
    return plan_count_one(what);
}

/* The store is told of a fault before alone: its own writes are done or not. */
Error *plan_before_write(const char *what)
{
    Error *e = plan_count_one(what);

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

void plan_meet(int at, void (*meanwhile)(void *data), void *data)
{
    g_mutex_lock(&plan.lock);
    plan.meets_at = at;
    plan.n_passed = 0;
    plan.meanwhile = meanwhile;
    plan.meanwhile_data = data;
    g_mutex_unlock(&plan.lock);
}

int plan_passed(void)
{
    g_mutex_lock(&plan.lock);
    int count = plan.n_passed;
    g_mutex_unlock(&plan.lock);
    return count;
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
