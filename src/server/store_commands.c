/*
 * rametd store …: what people decide about the store.
 */
#include <stdio.h>

#include "server/commands.h"
#include "store/store.h"

Error *command_store_accept(const Config *config, const ServerOptions *options)
{
    TRY(store_accept(config->server.state_dir));
    puts("The store is taken as it is. Start rametd; \"rametd --doctor\" names what it does not "
         "know.");
    return NULL;
}
