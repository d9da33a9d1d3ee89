#ifndef NXT_CREDENTIAL_H
#define NXT_CREDENTIAL_H

@ nxt_credential_t

@ nxt_credential_get

@ nxt_credential_setgids

@ nxt_credential_setuid

#endif /* NXT_CREDENTIAL_H */
