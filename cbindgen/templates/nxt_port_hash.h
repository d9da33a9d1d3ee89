/* Ports by process and number. */

#ifndef NXT_PORT_HASH_H
#define NXT_PORT_HASH_H

@ nxt_port_hash_add

@ nxt_port_hash_remove

@ nxt_port_hash_find

@ nxt_port_hash_retrieve

#endif /* NXT_PORT_HASH_H */
