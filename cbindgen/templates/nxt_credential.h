#ifndef NXT_CREDENTIAL_H
#define NXT_CREDENTIAL_H

@ nxt_credential_t

#endif /* NXT_CREDENTIAL_H */
