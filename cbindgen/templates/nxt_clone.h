#ifndef NXT_CLONE_H
#define NXT_CLONE_H

@ nxt_cred_t

@ nxt_clone_map_entry_t

@ nxt_clone_credential_map_t

@ nxt_clone_t

@ nxt_clone_vldt_credential_uidmap

@ nxt_clone_vldt_credential_gidmap

@ nxt_clone_credential_map

#endif /* NXT_CLONE_H */
