/*
 * The store: one connection behind one recursive lock. A transaction holds the lock from begin to
 * end, so whoever gets the lock while one is open is the thread that opened it, and takes part in
 * it.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/number_file.h"
#include "base/outside.h"
#include "store/db.h"
#include "store/epoch.h"
#include "store/files.h"
#include "store/migrate.h"
#include "store/room.h"

/*
 * What store_accept() leaps over at least: no pool that was away has seen so many changes. Another
 * history that was accepted before began at the microseconds of its day.
 */
#define STORE_LEAP INT64_C(1000000000000)

struct StoreTransaction {
    Store *store;
    bool is_durable;
};

struct Store {
    GRecMutex lock;
    Db *db;
    StoreMode mode;
    char *state_dir;
    int lock_fd;          /* of the lock file; -1 when the mode needs none */
    StoreTransaction *tx; /* the open one, NULL = none; owned by who began it */
    StoreFiles files;     /* of STORE_READ_WRITE, as the room is              */
    Room room;
    unsigned n_rescues;
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

/* In its place, always as long as before: the disk may be full. */
static int store_write_pid(int fd)
{
    g_autofree char *text = g_strdup_printf("%-11d\n", getpid());

    return pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text) ? 0 : -1;
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
    if (store_write_pid(fd) < 0)
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

static char *store_path(const char *state_dir, const char *name)
{
    return g_build_filename(state_dir, name, NULL);
}

/* A witness that cannot be read, as after a power cut, has seen nothing. */
static int64_t store_witness_seen(const char *state_dir)
{
    g_autofree char *path = store_path(state_dir, "ramet.epoch");
    int64_t seen = 0;
    g_autoptr(Error) e = number_file_read(path, &seen);

    if (e)
        log_debug("the witness of the store says nothing", "why", e->message);
    return seen;
}

/* After the commit: what it has seen is on the disk. */
static void store_tell_witness(const Store *store, int64_t epoch)
{
    g_autofree char *path = store_path(store->state_dir, "ramet.epoch");
    g_autoptr(Error) e = number_file_write(path, epoch);

    if (e)
        log_debug("the witness of the store was not told", "why", e->message);
}

static Error *store_find_missing(const char *state_dir, StoreMode mode)
{
    int64_t seen = store_witness_seen(state_dir);

    if (seen > 0)
        return epoch_refuse_missing(state_dir, seen);
    if (mode == STORE_READ_WRITE)
        return NULL;
    return error_hint(error_new(ERR_NOT_FOUND, "there is no store in \"%s\"", state_dir),
                      "Start rametd once with this configuration: it makes one.");
}

static Error *store_open_file(Store *store)
{
    g_autofree char *path = store_path(store->state_dir, "ramet.db");

    if (!fs_exists(path))
        TRY(store_find_missing(store->state_dir, store->mode));
    if (store->mode == STORE_READ_WRITE)
        TRY(store_create_file(path));
    TRY(db_open(path, store->mode, &store->db));
    return store->mode == STORE_READ_WRITE ? migrate(store->db) : migrate_check(store->db);
}

static void store_note_files(Store *store)
{
    g_autofree char *path = store_path(store->state_dir, "ramet.db");

    files_preallocate(path);
    files_note(&store->files, path);
}

static Store *store_new(const char *state_dir, StoreMode mode)
{
    Store *store = g_new0(Store, 1);

    g_rec_mutex_init(&store->lock);
    store->mode = mode;
    store->state_dir = g_strdup(state_dir);
    store->lock_fd = -1;
    return store;
}

Error *store_open(const char *state_dir, StoreMode mode, Store **ret_store)
{
    g_autoptr(Store) store = store_new(state_dir, mode);

    if (mode == STORE_READ_WRITE) {
        TRY(store_take_lock_file(state_dir, &store->lock_fd));
        room_open(&store->room, state_dir);
    }
    TRY(store_open_file(store));
    if (mode == STORE_READ_WRITE)
        store_note_files(store);
    TRY(store_heed(store, "the state directory", store_witness_seen(state_dir)));
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
    room_close(&store->room);
    g_free(store->state_dir);
    g_free(store);
}

/* --- its files, while it is open --- */

Db *store_lock(Store *store)
{
    g_rec_mutex_lock(&store->lock);
    outside_forbid();
    return store->db;
}

void store_unlock(Store *store)
{
    outside_allow();
    g_rec_mutex_unlock(&store->lock);
}

/* The data is in the open connection alone. *ret_db: another one, over the new file. */
static Error *store_write_anew(Store *store, const char *saved, Db **ret_db)
{
    g_autofree char *path = store_path(store->state_dir, "ramet.db");

    TRY(fs_remove(saved));
    TRY(store_create_file(saved));
    TRY(db_save(store->db, saved));
    TRY(files_put(saved, path));
    return db_open(path, STORE_READ_WRITE, ret_db);
}

static void store_rescue(Store *store, const char *saved)
{
    Db *db = NULL;
    Error *e = store_write_anew(store, saved, &db);

    db_keep_files(store->db);
    if (e) {
        e = error_wrap(e, "the files of the store were deleted while in use");
        db_refuse_take(store->db,
                       error_hint(e,
                                  "Changes are refused. Clones run on. What the server knows ends "
                                  "with it: see why the file cannot be written, and restart "
                                  "rametd when \"%s\" or ramet.db is there.",
                                  saved));
        return;
    }
    db_close(store->db);
    store->db = db;
    store->n_rescues++;
    store_note_files(store);
}

static void store_refuse_other(Store *store, const char *path, const char *saved)
{
    Error *e = fs_remove(saved);

    if (!e)
        e = store_create_file(saved);
    if (!e)
        e = db_save(store->db, saved);
    bool is_saved = !e;

    error_free(e);
    if (is_saved)
        files_withdraw(&store->files, path);
    db_keep_files(store->db);
    e = error_new(ERR_EXTERNAL, "the store in \"%s\" has another ramet.db in its place",
                  store->state_dir);
    db_refuse_take(store->db,
                   error_hint(e,
                              is_saved ? "Changes are refused. To keep what this server "
                                         "knows, stop it, delete ramet.db-wal and "
                                         "ramet.db-shm, and move \"%s\" to ramet.db. To "
                                         "take the other, restart rametd."
                                       : "Changes are refused, and what this server knows "
                                         "could not be written to \"%s\". Restart rametd "
                                         "to take the other.",
                              saved));
}

/* With the lock, and no transaction open. */
static void store_look_at_files(Store *store)
{
    g_autofree char *path = store_path(store->state_dir, "ramet.db");
    g_autofree char *saved = store_path(store->state_dir, "ramet.db.saved");

    if (store->mode != STORE_READ_WRITE || db_refusal(store->db))
        return;
    switch (files_look(&store->files, path)) {
    case FILES_SAME:
        break;
    case FILES_LOST:
        store_rescue(store, saved);
        break;
    case FILES_REPLACED:
        store_refuse_other(store, path, saved);
        break;
    }
}

/* With the lock, and no transaction open: before a durable one and after it. */
static void store_look_locked(Store *store)
{
    store_look_at_files(store);
    if (store->room.path)
        room_look(&store->room);
}

Error *store_look(Store *store, unsigned *ret_rescues)
{
    store_lock(store);
    if (!store->tx)
        store_look_locked(store);
    *ret_rescues = store->n_rescues;
    Error *e = room_check(&store->room);
    store_unlock(store);
    return e;
}

/* --- lock and transactions --- */

static void store_end(StoreTransaction *tx)
{
    Store *store = tx->store;

    store->tx = NULL;
    g_free(tx);
    store_unlock(store);
}

Error *store_begin(Store *store, StoreDurability durability, StoreTransaction **ret_tx)
{
    Error *e = NULL;

    store_lock(store);
    g_assert(!store->tx); /* transactions do not nest */
    if (durability != STORE_QUICK)
        store_look_locked(store);
    if (durability == STORE_ACCEPTING)
        e = room_check(&store->room);
    if (!e)
        e = db_begin(store->db, durability != STORE_QUICK);
    if (e) {
        store_unlock(store);
        return e;
    }
    store->tx = g_new0(StoreTransaction, 1);
    *store->tx = (StoreTransaction){store, durability != STORE_QUICK};
    *ret_tx = store->tx;
    return NULL;
}

/* *ret_epoch is set by a durable one alone. */
static Error *store_commit_db(const StoreTransaction *tx, int64_t *ret_epoch)
{
    Db *db = tx->store->db;
    Error *e = tx->is_durable ? epoch_advance(db, 1, ret_epoch) : NULL;

    if (!e)
        return db_commit(db);
    db_rollback(db);
    return e;
}

Error *store_commit(StoreTransaction **tx)
{
    StoreTransaction *ended = g_steal_pointer(tx);
    Store *store = ended->store;
    int64_t epoch = 0;
    Error *e = store_commit_db(ended, &epoch);

    if (!e && epoch > 0)
        store_tell_witness(store, epoch);
    if (ended->is_durable) {
        store->tx = NULL;
        store_look_at_files(store); /* before anybody is told */
        if (!e)
            e = error_copy(db_refusal(store->db)); /* it is in files that are gone */
    }
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

/* --- the epoch --- */

Error *store_get_epoch(Store *store, int64_t *ret_epoch)
{
    Error *e = epoch_read(store_lock(store), ret_epoch);

    store_unlock(store);
    return e;
}

/* The store is asked after the witness: a server may be writing both. */
Error *store_heed(Store *store, const char *witness, int64_t seen)
{
    Db *db = store_lock(store);
    int64_t epoch = 0;
    Error *e = epoch_read(db, &epoch);

    if (!e && epoch < seen && !db_refusal(db))
        db_refuse_take(db, epoch_refuse(store->state_dir, epoch, seen, witness));
    store_unlock(store);
    return e;
}

Error *store_refusal(Store *store)
{
    Error *refusal = error_copy(db_refusal(store_lock(store)));

    store_unlock(store);
    return refusal;
}

static Error *store_leap(Store *store, int64_t seen)
{
    g_autoptr(StoreTransaction) tx = NULL;
    int64_t epoch = 0;

    TRY(store_begin(store, STORE_DURABLE, &tx));
    TRY(epoch_read(store->db, &epoch));

    int64_t target = MAX(MAX(seen, epoch) + STORE_LEAP, clock_now_ms() * 1000);

    TRY(epoch_advance(store->db, target - epoch, &epoch));
    return store_commit(&tx);
}

Error *store_accept(const char *state_dir)
{
    g_autoptr(Store) store = store_new(state_dir, STORE_READ_WRITE);
    g_autofree char *path = store_path(state_dir, "ramet.db");

    TRY(store_take_lock_file(state_dir, &store->lock_fd));
    TRY(store_create_file(path));
    TRY(store_open_file(store));
    return store_leap(store, store_witness_seen(state_dir));
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
