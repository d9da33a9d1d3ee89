/* Modules include this name to reach the application interface. */

#ifndef NXT_ROUTER_H
#define NXT_ROUTER_H

#include <nxt_application.h>

#endif /* NXT_ROUTER_H */
