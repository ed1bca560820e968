/*
 * Defaults that mean more than their value.
 */
#pragma once

#define DEFAULT_GATEWAY_USER "ramet-gateway" /* the one that is made where it is missing */
