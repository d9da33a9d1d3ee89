/* Socket addresses. */

#ifndef NXT_SOCKADDR_H
#define NXT_SOCKADDR_H

/**
 * A socket address and its text. The places of texts count from the start of the object.
 */
struct nxt_sockaddr_s {
    /** `SOCK_STREAM` or another kind of socket. */
    uint8_t type;
    /** How many bytes of the address the kernel reads. */
    uint8_t socklen;
    /** Where the text starts: `127.0.0.1:80`, `[::1]:80`, `unix:/path`. */
    uint8_t start;
    /** Its length; before it was written, what there is room for. */
    uint8_t length;
    /** Where the text of the address without its port starts. */
    uint8_t address_start;
    /** Its length. */
    uint8_t address_length;
    /** Where the text of the port starts. */
    uint8_t port_start;
    /** Which cache it came from. */
    uint8_t cache_hint;
    /** The address. */
    union {
        struct sockaddr sockaddr;
        struct sockaddr_in sockaddr_in;
        struct sockaddr_in6 sockaddr_in6;
        struct sockaddr_un sockaddr_un;
    } u;
};

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

/**
 * An empty address of `socklen` bytes, with room for a text. NULL when there is no memory, or the
 * lengths do not fit.
 *
 * Requires:
 * `mp` is NULL or a pool.
 */
nxt_sockaddr_t *nxt_sockaddr_alloc(nxt_mp_t *mp,
                                   socklen_t socklen,
                                   size_t address_length);

/**
 * A copy of an address of the kernel's, with room for a text. One of a unix socket without a name gets
 * an empty name. NULL when there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool; `sockaddr` is NULL or has `length` bytes.
 */
nxt_sockaddr_t *nxt_sockaddr_create(nxt_mp_t *mp,
                                    struct sockaddr *sockaddr,
                                    socklen_t length,
                                    size_t address_length);

/**
 * A copy of an address, without its text.
 *
 * Requires:
 * `mp` is NULL or a pool, `src` is NULL or valid.
 */
nxt_sockaddr_t *nxt_sockaddr_copy(nxt_mp_t *mp, nxt_sockaddr_t *src);

/**
 * The address of a socket, with room for its text; NULL, with a record in the task's log, if it has
 * none.
 *
 * Requires:
 * `task` is NULL or valid, `mp` is NULL or a pool.
 */
nxt_sockaddr_t *nxt_getsockname(nxt_task_t *task,
                                nxt_mp_t *mp,
                                int s);

/**
 * Writes the text of an address, as far as there is room, and says where its parts are.
 *
 * Requires:
 * `sa` is NULL or valid, with `length` bytes after its address.
 */
void nxt_sockaddr_text(nxt_sockaddr_t *sa);

/**
 * The port of an address; 0 of a unix socket.
 *
 * Requires:
 * `sa` is NULL or valid.
 */
uint32_t nxt_sockaddr_port_number(nxt_sockaddr_t *sa);

/**
 * Whether two sockets of these addresses and kinds are the same.
 *
 * Requires:
 * `sa1` and `sa2` are NULL or valid.
 */
nxt_bool_t nxt_sockaddr_cmp(nxt_sockaddr_t *sa1, nxt_sockaddr_t *sa2);

/**
 * Reads an address of the configuration: `127.0.0.1:80`, `*:80`, `[::1]:80`, `unix:/path`,
 * `unix:@name`. NULL, with a record in the log, if it is none, or there is no memory.
 *
 * Requires:
 * `mp` is NULL or a pool, `addr` is NULL or valid.
 */
nxt_sockaddr_t *nxt_sockaddr_parse(nxt_mp_t *mp,
                                   nxt_str_t *addr);

/**
 * The same for an address that may lack its port, which is 0 then.
 *
 * Requires:
 * As `nxt_sockaddr_parse`.
 */
nxt_sockaddr_t *nxt_sockaddr_parse_optport(nxt_mp_t *mp, nxt_str_t *addr);

/**
 * An IPv4 address in the order of the network; `INADDR_NONE` if it is none.
 *
 * Requires:
 * `buf` is NULL or has `len` readable bytes.
 */
in_addr_t nxt_inet_addr(uint8_t *buf, size_t len);

/**
 * Reads an IPv6 address, without brackets.
 *
 * Requires:
 * `in6_addr` is NULL or writable; `buf` is NULL or has `len` readable bytes.
 */
nxt_int_t nxt_inet6_addr(struct in6_addr *in6_addr, uint8_t *buf, size_t len);

/**
 * Whether a text can only be an IPv6 address: it has more than one colon.
 *
 * Requires:
 * `addr` is NULL or valid.
 */
nxt_bool_t nxt_inet6_probe(nxt_str_t *addr);

#endif /* NXT_SOCKADDR_H */
