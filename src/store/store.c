/*
 * The store: one connection behind one recursive lock. A transaction holds the lock from begin to
 * end, so whoever gets the lock while one is open is the thread that opened it, and takes part in
 * it.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"
#include "store/db.h"
#include "store/migrate.h"

struct StoreTransaction {
    Store *store;
};

struct Store {
    GRecMutex lock;
    Db *db;
    int lock_fd;          /* of the lock file; -1 when the mode needs none */
    StoreTransaction *tx; /* the open one, NULL = none; owned by who began it */
};

/* --- the lock file --- */

static Error *store_refuse_second(const char *state_dir, const char *path)
{
    g_autofree char *pid = NULL;
    Error *e = error_new(ERR_CONFLICT, "another rametd is running with the state directory \"%s\"",
                         state_dir);

    error_ignore(fs_read_file(path, 32, &pid), "the holder of the lock file is not named");
    return error_hint(e, "Stop process %s first, or set another server.stateDir.",
                      pid && *pid ? g_strchomp(pid) : "(unknown)");
}

/* The kernel drops the lock with the process: a stale lock file locks nothing out. */
static Error *store_take_lock_file(const char *state_dir, int *ret_fd)
{
    g_autofree char *path = g_build_filename(state_dir, "ramet.lock", NULL);
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return error_hint(error_errno(errno, "cannot open \"%s\"", path),
                          "The state directory must exist, on a file system that can be written.");
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? store_refuse_second(state_dir, path)
                                    : error_errno(errno, "could not lock \"%s\"", path);
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", getpid()) < 0)
        return error_errno(errno, "could not write \"%s\"", path);
    *ret_fd = fd;
    fd = -1;
    return NULL;
}

/* --- open and close --- */

/* SQLite would make the file readable for all; -wal and -shm get the mode of the file. */
static Error *store_create_file(const char *path)
{
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd < 0 && errno != EEXIST ? error_errno(errno, "cannot create \"%s\"", path) : NULL;
}

static Error *store_open_file(Store *store, const char *state_dir, StoreMode mode)
{
    g_autofree char *path = g_build_filename(state_dir, "ramet.db", NULL);

    if (mode == STORE_READ_WRITE)
        TRY(store_create_file(path));
    else if (!fs_exists(path))
        return error_hint(error_new(ERR_NOT_FOUND, "there is no store in \"%s\"", state_dir),
                          "Start rametd once with this configuration: it makes one.");
    TRY(db_open(path, mode, &store->db));
    return mode == STORE_READ_WRITE ? migrate(store->db) : migrate_check(store->db);
}

Error *store_open(const char *state_dir, StoreMode mode, Store **ret_store)
{
    g_autoptr(Store) store = g_new0(Store, 1);

    g_rec_mutex_init(&store->lock);
    store->lock_fd = -1;
    if (mode == STORE_READ_WRITE)
        TRY(store_take_lock_file(state_dir, &store->lock_fd));
    TRY(store_open_file(store, state_dir, mode));
    *ret_store = g_steal_pointer(&store);
    return NULL;
}

void store_close(Store *store)
{
    if (!store)
        return;
    g_assert(!store->tx);
    db_close(store->db);
    fs_close_fd(&store->lock_fd); /* after the database: the next server finds it closed */
    g_rec_mutex_clear(&store->lock);
    g_free(store);
}

/* --- lock and transactions --- */

Db *store_lock(Store *store)
{
    g_rec_mutex_lock(&store->lock);
    return store->db;
}

void store_unlock(Store *store)
{
    g_rec_mutex_unlock(&store->lock);
}

static void store_end(StoreTransaction *tx)
{
    Store *store = tx->store;

    store->tx = NULL;
    g_free(tx);
    store_unlock(store);
}

Error *store_begin(Store *store, StoreDurability durability, StoreTransaction **ret_tx)
{
    Db *db = store_lock(store);
    Error *e;

    g_assert(!store->tx); /* transactions do not nest */
    e = db_begin(db, durability == STORE_DURABLE);
    if (e) {
        store_unlock(store);
        return e;
    }
    store->tx = g_new0(StoreTransaction, 1);
    store->tx->store = store;
    *ret_tx = store->tx;
    return NULL;
}

Error *store_commit(StoreTransaction **tx)
{
    StoreTransaction *ended = g_steal_pointer(tx);
    Error *e = db_commit(ended->store->db);

    store_end(ended);
    return e;
}

void store_rollback(StoreTransaction *tx)
{
    if (!tx)
        return;
    db_rollback(tx->store->db);
    store_end(tx);
}

/* --- facts --- */

static Error *store_read_fact(const DbRow *row, void *data)
{
    *(char **)data = db_row_dup(row, 0);
    return NULL;
}

Error *store_get_fact(Store *store, const char *name, char **ret_value)
{
    char *value = NULL;
    Error *e = db_query(store_lock(store), "SELECT value FROM fact WHERE name = ?", store_read_fact,
                        &value, DB_TEXT(name), DB_END);

    store_unlock(store);
    if (!e)
        *ret_value = value;
    return e;
}

Error *store_set_fact(Store *store, const char *name, const char *value)
{
    Error *e = db_run(store_lock(store),
                      "INSERT INTO fact (name, value) VALUES (?, ?) "
                      "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                      DB_TEXT(name), DB_TEXT(value), DB_END);

    store_unlock(store);
    return e;
}
