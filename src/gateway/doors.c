/*
 * A tree, so that a list can go on behind any id, also one that is gone by then.
 */
#include "gateway/doors.h"

#include <string.h>

#include "base/log.h"
#include "gateway/door.h"

#define DOORS_PAGE_MAX 32 /* the longest description is below 6 KiB, a message below 200 KiB */

struct Doors {
    Loop *loop;
    Stock *stock;
    GTree *by_id; /* char * → Door *, both owned */
};

static gint doors_compare(gconstpointer a, gconstpointer b, gpointer unused)
{
    return strcmp(a, b);
}

static void doors_close_one(gpointer door)
{
    door_close(door);
}

Doors *doors_new(Loop *loop)
{
    Doors *doors = g_new0(Doors, 1);

    doors->loop = loop;
    doors->stock = stock_new();
    doors->by_id = g_tree_new_full(doors_compare, NULL, g_free, doors_close_one);
    return doors;
}

void doors_free(Doors *doors)
{
    if (!doors)
        return;
    g_tree_destroy(doors->by_id);
    stock_free(doors->stock);
    g_free(doors);
}

Error *doors_add(Doors *doors, const GatewayClone *clone)
{
    Door *door = g_tree_lookup(doors->by_id, clone->id);

    if (door)
        return door_change(door, clone);
    TRY(door_open(doors->loop, doors->stock, clone, &door));
    g_tree_insert(doors->by_id, g_strdup(clone->id), door);

    g_autofree char *port = g_strdup_printf("%" G_GINT64_FORMAT, clone->port);

    log_info("listening for a clone", "clone", clone->id, "port", port);
    return NULL;
}

void doors_remove(Doors *doors, const char *id)
{
    if (g_tree_remove(doors->by_id, id))
        log_info("not listening for a clone any more", "clone", id);
}

static Error *doors_find(Doors *doors, const char *id, Door **ret_door)
{
    Door *door = g_tree_lookup(doors->by_id, id);

    if (!door)
        return error_new(ERR_NOT_FOUND, "the gateway knows no clone \"%s\"", id);
    *ret_door = door;
    return NULL;
}

Error *doors_hold(Doors *doors, const char *id, int64_t timeout_ms)
{
    Door *door = NULL;

    TRY(doors_find(doors, id, &door));
    door_hold(door, timeout_ms);
    return NULL;
}

Error *doors_release(Doors *doors, const char *id)
{
    Door *door = NULL;

    TRY(doors_find(doors, id, &door));
    door_release(door);
    return NULL;
}

json_t *doors_list(Doors *doors, const char *after, bool *ret_is_all)
{
    json_t *page = json_array();
    GTreeNode *node = g_tree_upper_bound(doors->by_id, after);

    for (; node && json_array_size(page) < DOORS_PAGE_MAX; node = g_tree_node_next(node))
        json_array_append_new(page, door_describe(g_tree_node_value(node)));
    *ret_is_all = node == NULL;
    return page;
}

void doors_count(Doors *doors, int64_t *ret_clones, int64_t *ret_connections)
{
    int64_t n = 0;

    for (GTreeNode *node = g_tree_node_first(doors->by_id); node; node = g_tree_node_next(node))
        n += door_connections(g_tree_node_value(node));
    *ret_clones = g_tree_nnodes(doors->by_id);
    *ret_connections = n;
}
