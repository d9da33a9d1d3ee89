/* Ports by process and number. */

#ifndef NXT_PORT_HASH_H
#define NXT_PORT_HASH_H

/**
 * Adds a port; `NXT_ERROR` if there is one of its process and number already, or no memory.
 *
 * Requires:
 * Both are NULL or valid; the port stays as long as it is in the hash.
 */
nxt_int_t nxt_port_hash_add(nxt_lvlhsh_t *port_hash,
                            nxt_port_t *port);

/**
 * Removes a port; `NXT_ERROR` if it is not there.
 *
 * Requires:
 * Both are NULL or valid.
 */
nxt_int_t nxt_port_hash_remove(nxt_lvlhsh_t *port_hash, nxt_port_t *port);

/**
 * The port of a process and a number; NULL if it is not there.
 *
 * Requires:
 * `port_hash` is NULL or valid.
 */
nxt_port_t *nxt_port_hash_find(nxt_lvlhsh_t *port_hash,
                               nxt_pid_t pid,
                               nxt_port_id_t port_id);

/**
 * Removes any port and answers it; NULL of an empty hash.
 *
 * Requires:
 * `port_hash` is NULL or valid.
 */
nxt_port_t *nxt_port_hash_retrieve(nxt_lvlhsh_t *port_hash);

#endif /* NXT_PORT_HASH_H */
