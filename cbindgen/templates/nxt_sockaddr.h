/* Socket addresses. */

#ifndef NXT_SOCKADDR_H
#define NXT_SOCKADDR_H

@ struct nxt_sockaddr_t

/** How many bytes an object has: the text is behind the address. */
#define nxt_sockaddr_size(sa)  \
    (offsetof(nxt_sockaddr_t, u) + (sa)->socklen + (sa)->length)

/** Where a part of the text begins, of which a member says the place. */
#define NXT_SOCKADDR_PART(sa, member)  nxt_pointer_to((sa), (sa)->member)

#define nxt_sockaddr_start(sa)  NXT_SOCKADDR_PART(sa, start)
#define nxt_sockaddr_address(sa)  NXT_SOCKADDR_PART(sa, address_start)
#define nxt_sockaddr_port(sa)  NXT_SOCKADDR_PART(sa, port_start)

/** The port ends with the text. */
#define nxt_sockaddr_port_length(sa)  \
    ((sa)->length - ((sa)->port_start - (sa)->start))

/** The longest texts of addresses with ports. */
#define NXT_INET6_ADDR_STR_LEN  \
    nxt_length("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")
#define NXT_INET_ADDR_STR_LEN  nxt_length("255.255.255.255:65535")

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
