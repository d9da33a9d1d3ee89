/* Content of messages in shared memory. */

#ifndef NXT_PORT_MEMORY_H
#define NXT_PORT_MEMORY_H

#include <nxt_socket_msg.h>
#include <nxt_port.h>

/** Shorter content travels with the message. */
#define PORT_MMAP_MIN_SIZE  (3 * sizeof(uint32_t))

typedef struct nxt_port_mmap_header_s nxt_port_mmap_header_t;
typedef struct nxt_port_mmap_handler_s nxt_port_mmap_handler_t;

@ nxt_sendbuf_coalesce_t

@ nxt_port_method_t

@ NXT_PORT_METHOD_ANY

@ NXT_PORT_METHOD_PLAIN

@ NXT_PORT_METHOD_MMAP

@ nxt_port_mmaps_destroy

@ nxt_port_mmap_get_buf

@ nxt_port_mmap_increase_buf

@ nxt_port_incoming_port_mmap

@ nxt_port_mmap_write

@ nxt_port_mmap_read

@ nxt_port_mmap_get_method

@ nxt_shm_open

@ nxt_process_broadcast_shm_ack

#endif /* NXT_PORT_MEMORY_H */
