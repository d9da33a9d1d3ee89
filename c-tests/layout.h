/* Assertions at compile time over what the headers declare. */

#ifndef LAYOUT_H
#define LAYOUT_H

#include <nxt_main.h>
#include <nxt_app_queue.h>
#include <nxt_application.h>
#include <nxt_http.h>
#include <nxt_nncq.h>
#include <nxt_nvbcq.h>
#include <nxt_port_memory_int.h>
#include <nxt_port_queue.h>
#include <nxt_socket_msg.h>
#include <nxt_unit.h>
#include <nxt_unit_field.h>
#include <nxt_unit_request.h>
#include <nxt_unit_response.h>
#include <nxt_unit_sptr.h>
#include <nxt_unit_websocket.h>
#include <nxt_websocket.h>
#include <nxt_websocket_header.h>

#include "check.h"

#define TYPE(type, size, alignment)  \
    _Static_assert(sizeof(type) == (size)  \
                   && __alignof__(type) == (alignment), #type)
#define AT(type, field, offset)  \
    _Static_assert(offsetof(type, field) == (offset), #type "." #field)
#define NUMBER(name, value)  _Static_assert((name) == (value), #name)
#define TEXT(name, value)  \
    _Static_assert(sizeof(name) == sizeof(value), #name)

#endif /* LAYOUT_H */
