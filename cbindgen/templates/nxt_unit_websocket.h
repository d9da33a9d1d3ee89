/* A received websocket frame. */

#ifndef NXT_UNIT_WEBSOCKET_H
#define NXT_UNIT_WEBSOCKET_H

#include <inttypes.h>

#include "nxt_unit_typedefs.h"
#include "nxt_websocket_header.h"

@ struct nxt_unit_websocket_frame_t

#endif /* NXT_UNIT_WEBSOCKET_H */
