/*
 * Clones as the store knows them, and the table of the moves between their states.
 */
#include "store/clone.h"

#include "store/table.h"

static const char *const clone_words[] = {
    [CLONE_CREATING] = "CREATING", [CLONE_OK] = "OK",       [CLONE_RESETTING] = "RESETTING",
    [CLONE_DELETING] = "DELETING", [CLONE_FATAL] = "FATAL", NULL,
};

/* From each state, the states that may follow. FATAL again: with another cause. */
static const unsigned clone_moves[] = {
    [CLONE_CREATING] = CLONE_IN(OK) | CLONE_IN(DELETING) | CLONE_IN(FATAL),
    [CLONE_OK] = CLONE_IN(OK) | CLONE_IN(RESETTING) | CLONE_IN(DELETING) | CLONE_IN(FATAL),
    [CLONE_RESETTING] = CLONE_IN(OK) | CLONE_IN(DELETING) | CLONE_IN(FATAL),
    [CLONE_DELETING] = CLONE_IN(FATAL),
    [CLONE_FATAL] = CLONE_IN(OK) | CLONE_IN(RESETTING) | CLONE_IN(DELETING) | CLONE_IN(FATAL),
};

static const Column clone_columns[] = {
    COLUMN(Clone, uid),
    COLUMN(Clone, id),
    COLUMN(Clone, state, .words = clone_words),
    COLUMN(Clone, message),
    COLUMN(Clone, snapshot_uid),
    COLUMN(Clone, pool),
    COLUMN(Clone, volume),
    COLUMN(Clone, branch),
    COLUMN(Clone, revision),
    COLUMN(Clone, port),
    COLUMN(Clone, db_user),
    COLUMN(Clone, db_secret),
    COLUMN(Clone, db_name),
    COLUMN(Clone, is_restricted),
    COLUMN(Clone, extra_conf),
    COLUMN(Clone, is_protected),
    COLUMN(Clone, protected_till_ms),
    COLUMN(Clone, created_at_ms),
    COLUMN(Clone, started_at_ms),
    COLUMN(Clone, cloning_time_s),
    COLUMN(Clone, limits),
    COLUMN(Clone, reset_error),
    {0},
};

static const Table clone_table = {"clone", sizeof(Clone), (GDestroyNotify)clone_free,
                                  clone_columns};

const char *clone_state_name(CloneState state)
{
    return clone_words[state];
}

Clone *clone_new(void)
{
    return g_new0(Clone, 1);
}

void clone_free(Clone *clone)
{
    table_free_row(&clone_table, clone);
}

static Error *clone_not_found(void)
{
    return error_hint(error_new(ERR_NOT_FOUND, "clone not found"),
                      "\"ramet clone list\" shows what there is.");
}

static bool clone_is_there(Store *store, const char *tail, DbValue value)
{
    void *clone = NULL;
    g_autoptr(Error) e = table_find(store, &clone_table, tail, value, &clone);
    bool is_there = clone != NULL;

    clone_free(clone);
    return is_there;
}

/* Which key is broken, and what that means in the words of the API: the store is asked. */
static Error *clone_explain(Store *store, Error *e, const Clone *clone)
{
    g_autoptr(Error) conflict = e;

    if (!e || e->code != ERR_CONFLICT)
        return g_steal_pointer(&conflict);
    if (clone_is_there(store, "WHERE id = ?", DB_TEXT(clone->id)))
        return error_new(ERR_CONFLICT, "clone with ID \"%s\" already exists", clone->id);
    if (clone->port > 0 && clone_is_there(store, "WHERE port = ?", DB_INT(clone->port)))
        return error_new(ERR_CONFLICT, "port %" G_GINT64_FORMAT " is taken by another clone",
                         clone->port);
    return error_new(ERR_NOT_FOUND, "no snapshot found");
}

Error *store_insert_clone(Store *store, const Clone *clone)
{
    return clone_explain(store, table_insert(store, &clone_table, clone), clone);
}

static Error *clone_find(Store *store, const char *tail, const char *value, Clone **ret_clone)
{
    void *clone = NULL;

    TRY(table_find(store, &clone_table, tail, DB_TEXT(value), &clone));
    if (!clone)
        return clone_not_found();
    *ret_clone = clone;
    return NULL;
}

Error *store_get_clone(Store *store, const char *id, Clone **ret_clone)
{
    return clone_find(store, "WHERE id = ?", id, ret_clone);
}

Error *store_get_clone_by_uid(Store *store, const char *uid, Clone **ret_clone)
{
    return clone_find(store, "WHERE uid = ?", uid, ret_clone);
}

Error *store_list_clones(Store *store, GPtrArray **ret_clones)
{
    return table_list(store, &clone_table, "ORDER BY created_at_ms DESC, uid DESC", DB_END,
                      ret_clones);
}

/* --- changes --- */

/* One statement whose last parameter is the uid; it has changed one row, or there is none. */
static Error *clone_change(Store *store, const char *sql, const DbValue *values)
{
    Db *db = store_lock(store);
    Error *e = db_run_values(db, sql, values);

    if (!e && db_changes(db) == 0)
        e = clone_not_found();
    store_unlock(store);
    return e;
}

Error *store_start_clone(Store *store, const char *uid, int64_t started_at_ms,
                         double cloning_time_s)
{
    const DbValue values[] = {DB_INT(started_at_ms), DB_REAL(cloning_time_s),
                              DB_REAL(cloning_time_s), DB_TEXT(uid), DB_END};

    return clone_change(store,
                        "UPDATE clone SET started_at_ms = ?, "
                        "cloning_time_s = CASE WHEN ? < 0 THEN cloning_time_s ELSE ? END "
                        "WHERE uid = ?",
                        values);
}

Error *store_set_clone_volume(Store *store, const char *uid, const char *pool, const char *volume,
                              const char *snapshot_uid)
{
    const DbValue values[] = {DB_TEXT(pool), DB_TEXT(volume), DB_TEXT(snapshot_uid), DB_TEXT(uid),
                              DB_END};
    Error *e = clone_change(
        store, "UPDATE clone SET pool = ?, volume = ?, snapshot_uid = ? WHERE uid = ?", values);

    if (!e || e->code != ERR_CONFLICT)
        return e;
    error_free(e);
    return error_new(ERR_NOT_FOUND, "no snapshot found");
}

Error *store_set_clone_protection(Store *store, const char *uid, bool is_protected,
                                  int64_t protected_till_ms)
{
    const DbValue values[] = {DB_INT(is_protected), DB_INT(protected_till_ms), DB_TEXT(uid),
                              DB_END};

    return clone_change(
        store, "UPDATE clone SET is_protected = ?, protected_till_ms = ? WHERE uid = ?", values);
}

Error *store_set_clone_limits(Store *store, const char *uid, const char *limits)
{
    const DbValue values[] = {DB_TEXT(limits), DB_TEXT(uid), DB_END};

    return clone_change(store, "UPDATE clone SET limits = ? WHERE uid = ?", values);
}

Error *store_set_clone_message(Store *store, const char *uid, const char *message)
{
    const DbValue values[] = {DB_TEXT(message), DB_TEXT(uid), DB_END};

    return clone_change(store, "UPDATE clone SET message = ? WHERE uid = ?", values);
}

Error *store_set_clone_reset_error(Store *store, const char *uid, const char *reason)
{
    const DbValue values[] = {DB_TEXT(reason), DB_TEXT(uid), DB_END};

    return clone_change(store, "UPDATE clone SET reset_error = ? WHERE uid = ?", values);
}

/* --- moves --- */

/* The caller holds the store's lock; "AND state" is for a program that shares the file. */
static Error *clone_move(Store *store, Db *db, const char *uid, unsigned from, CloneState to,
                         const char *message)
{
    g_autoptr(Clone) clone = NULL;

    TRY(store_get_clone_by_uid(store, uid, &clone));
    if (!(from & (1u << clone->state)) || !(clone_moves[clone->state] & (1u << to)))
        return error_new(ERR_CONFLICT, "clone \"%s\" is %s and cannot become %s", clone->id,
                         clone_words[clone->state], clone_words[to]);
    TRY(db_run(db, "UPDATE clone SET state = ?, message = ? WHERE uid = ? AND state = ?",
               DB_TEXT(clone_words[to]), DB_TEXT(message ? message : ""), DB_TEXT(uid),
               DB_TEXT(clone_words[clone->state]), DB_END));
    return db_changes(db) ? NULL
                          : error_new(ERR_BUSY, "clone \"%s\" was changed meanwhile", clone->id);
}

Error *store_move_clone(Store *store, const char *uid, unsigned from, CloneState to,
                        const char *message)
{
    Error *e = clone_move(store, store_lock(store), uid, from, to, message);

    store_unlock(store);
    return e;
}

static Error *clone_note_row(const DbRow *row, void *data)
{
    *(bool *)data = true;
    return NULL;
}

Error *store_is_clone_volume(Store *store, const char *pool, const char *volume, bool *ret_is)
{
    bool is = false;
    Error *e = db_query(store_lock(store), "SELECT 1 FROM clone WHERE pool = ? AND volume = ?",
                        clone_note_row, &is, DB_TEXT(pool), DB_TEXT(volume), DB_END);

    store_unlock(store);
    if (!e)
        *ret_is = is;
    return e;
}

CloneWanted clone_wanted(const Clone *clone)
{
    static const CloneWanted wanted[] = {
        [CLONE_CREATING] = CLONE_WANTED_REST,  [CLONE_OK] = CLONE_WANTED_RUN,
        [CLONE_RESETTING] = CLONE_WANTED_SWAP, [CLONE_DELETING] = CLONE_WANTED_GONE,
        [CLONE_FATAL] = CLONE_WANTED_REST,
    };
    bool serves_on = clone->state == CLONE_FATAL && *clone->reset_error;

    return serves_on ? CLONE_WANTED_RUN : wanted[clone->state];
}

Error *store_delete_clone(Store *store, const char *uid)
{
    return table_delete(store, &clone_table, uid);
}
