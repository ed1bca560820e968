/*
 * Descriptors 0 to 2. A program that is started without them gets other files under these numbers,
 * and what is meant for a terminal goes into a store or a socket.
 */
#pragma once

/* Opens /dev/null as each of 0, 1 and 2 that is closed: the first thing that main() does. */
void standard_files_open(void);
