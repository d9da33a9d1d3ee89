/* Socket addresses. */

#ifndef NXT_SOCKADDR_H
#define NXT_SOCKADDR_H

@ struct nxt_sockaddr_t

/** The longest texts. */
#define NXT_INET_ADDR_STR_LEN  nxt_length("255.255.255.255:65535")
#define NXT_INET6_ADDR_STR_LEN  \
    nxt_length("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")

/** How many bytes an object has. */
#define nxt_sockaddr_size(sa)  \
    (offsetof(nxt_sockaddr_t, u) + (sa)->socklen + (sa)->length)

/** The text, and its parts. */
#define nxt_sockaddr_start(sa)  nxt_pointer_to(sa, (sa)->start)
#define nxt_sockaddr_address(sa)  nxt_pointer_to(sa, (sa)->address_start)
#define nxt_sockaddr_port(sa)  nxt_pointer_to(sa, (sa)->port_start)
#define nxt_sockaddr_port_length(sa)  \
    ((sa)->start + (sa)->length - (sa)->port_start)

@ nxt_sockaddr_alloc

@ nxt_sockaddr_create

@ nxt_sockaddr_copy

@ nxt_getsockname

@ nxt_sockaddr_text

@ nxt_sockaddr_port_number

@ nxt_sockaddr_cmp

@ nxt_sockaddr_parse

@ nxt_sockaddr_parse_optport

@ nxt_inet_addr

@ nxt_inet6_addr

@ nxt_inet6_probe

#endif /* NXT_SOCKADDR_H */
