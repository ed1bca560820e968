/*
 * What ThreadSanitizer cannot see: GLib's locks go straight to futex(2), and GLib is not built with it.
 * This library is preloaded in tests of threads. It stands before GLib's functions and says which of
 * them order what comes before and after; without it each use of a GMutex would be reported.
 */
#include <dlfcn.h>
#include <gio/gio.h>

/* Of libtsan; a program that is started by a test, and not built with it, has none. */
void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));

static void order_after(void *address)
{
    if (__tsan_acquire)
        __tsan_acquire(address);
}

static void order_before(void *address)
{
    if (__tsan_release)
        __tsan_release(address);
}

/* The function of GLib that ours stands before. */
#define REAL(name)                                                                                 \
    ({                                                                                             \
        static __typeof__(&(name)) real;                                                           \
        if (!__atomic_load_n(&real, __ATOMIC_ACQUIRE))                                             \
            __atomic_store_n(&real, (__typeof__(&(name)))dlsym(RTLD_NEXT, #name),                  \
                             __ATOMIC_RELEASE);                                                    \
        real;                                                                                      \
    })

void g_mutex_lock(GMutex *mutex)
{
    REAL(g_mutex_lock)(mutex);
    order_after(mutex);
}

gboolean g_mutex_trylock(GMutex *mutex)
{
    gboolean is_locked = REAL(g_mutex_trylock)(mutex);

    if (is_locked)
        order_after(mutex);
    return is_locked;
}

void g_mutex_unlock(GMutex *mutex)
{
    order_before(mutex);
    REAL(g_mutex_unlock)(mutex);
}

void g_cond_wait(GCond *cond, GMutex *mutex)
{
    order_before(mutex);
    REAL(g_cond_wait)(cond, mutex);
    order_after(mutex);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    order_before(mutex);
    gboolean is_signalled = REAL(g_cond_wait_until)(cond, mutex, end_time);
    order_after(mutex);
    return is_signalled;
}

/* --- pools: what was done before a task is pushed is there when it runs --- */

static char pool_order;

typedef struct PoolTask {
    GFunc run;
    void *data;
} PoolTask;

static void pool_run(void *task, void *data)
{
    const PoolTask *pool = data;

    order_after(&pool_order);
    pool->run(task, pool->data);
}

/* The task's description lives as long as the program: tests make few pools. */
GThreadPool *g_thread_pool_new(GFunc run, gpointer data, gint max_threads, gboolean exclusive,
                               GError **error)
{
    PoolTask *pool = g_new(PoolTask, 1);

    *pool = (PoolTask){run, data};
    return REAL(g_thread_pool_new)(pool_run, pool, max_threads, exclusive, error);
}

gboolean g_thread_pool_push(GThreadPool *pool, gpointer data, GError **error)
{
    order_before(&pool_order);
    return REAL(g_thread_pool_push)(pool, data, error);
}
