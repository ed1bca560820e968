/*
 * Deleting snapshots whose time has come: "deleteAt".
 */
#pragma once

#include "engine/engine.h"

/* Errors: those of ticker_start(). */
MUST_CHECK Error *snapshot_sweeper_start(Engine *engine, SnapshotSweeper **ret_sweeper);
void snapshot_sweeper_stop(SnapshotSweeper *sweeper); /* NULL is fine */
