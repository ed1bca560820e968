/*
 * Snapshots that another program made in a pool's storage (storage/storage_foreign.h) become rows of the
 * store: from then on clones are made of them as of any other.
 */
#pragma once

#include "engine/engine.h"

/*
 * engine_import_snapshots - give each one that is new a row, and take out the rows of those that
 * are gone and that no clone was made of. Called when pools have been opened.
 *
 * A pool that cannot be listed, or data that is no PostgreSQL, is logged and left out.
 */
void engine_import_snapshots(Engine *engine);
