/* What a module takes from its host, called as a module calls it. */

#include <nxt_main.h>
#include <nxt_socket_msg.h>
#include <nxt_websocket.h>
#include <nxt_application.h>
#include <nxt_unit.h>

#include "check.h"


static nxt_int_t
int_of(const char *text)
{
    return nxt_int_parse((const u_char *) text, strlen(text));
}


static nxt_off_t
off_of(const char *text)
{
    return nxt_off_t_parse((const u_char *) text, strlen(text));
}


static void
numbers(void)
{
    CHECK(int_of("0") == 0);
    CHECK(int_of("2147483647") == 2147483647);
    CHECK(int_of("2147483648") == -2);
    CHECK(int_of("99999999999999999999999999") == -2);
    CHECK(int_of("") == -1);
    CHECK(int_of("-1") == -1);
    CHECK(int_of("12a") == -1);
    CHECK(nxt_int_parse(NULL, 3) == -1);
    CHECK(nxt_int_parse((const u_char *) "123", 2) == 12);

    CHECK(off_of("9223372036854775807") == NXT_OFF_T_MAX);
    CHECK(off_of("9223372036854775808") == -2);
    CHECK(off_of("x") == -1);
    CHECK(nxt_off_t_parse(NULL, 0) == -1);
}


static void
memory(void)
{
    char    *bytes;
    size_t  i, set;

    bytes = nxt_malloc(100);
    CHECK(bytes != NULL);
    memset(bytes, 1, 100);
    nxt_free(bytes);

    bytes = nxt_zalloc(4096);
    CHECK(bytes != NULL);

    for (i = 0, set = 0; i < 4096; i++) {
        set += bytes[i] != 0;
    }

    CHECK(set == 0);
    nxt_free(bytes);
}


static void
hash(void)
{
    CHECK(nxt_murmur_hash2("", 0) == 0);
    CHECK(nxt_murmur_hash2(NULL, 0) == 0);
    CHECK(nxt_murmur_hash2("abc", 3) == 0x13577c9b);
    CHECK(nxt_murmur_hash2("Content-Type", 12) == 0x1372980f);
}


static void
configuration(void)
{
    uint32_t   position;
    nxt_str_t  text, name = nxt_string("name");

    text = name;
    nxt_conf_get_string(NULL, &text);
    CHECK(text.length == 0 && text.start == NULL);
    nxt_conf_get_string(NULL, NULL);

    position = 0;
    CHECK(nxt_conf_get_boolean(NULL) == 0);
    CHECK(nxt_conf_object_members_count(NULL) == 0);
    CHECK(nxt_conf_array_elements_count(NULL) == 0);
    CHECK(nxt_conf_array_elements_count_or_1(NULL) == 0);
    CHECK(nxt_conf_get_object_member(NULL, &name, &position) == NULL);
    CHECK(nxt_conf_get_object_member(NULL, NULL, NULL) == NULL);
    CHECK(nxt_conf_next_object_member(NULL, &text, &position) == NULL);
    CHECK(nxt_conf_next_object_member(NULL, NULL, NULL) == NULL);
    CHECK(nxt_conf_get_array_element(NULL, 0) == NULL);
    CHECK(nxt_conf_get_array_element_or_itself(NULL, 0) == NULL);
    CHECK(position == 0);
}


static void
server(void)
{
    nxt_str_t  expected = nxt_string(NXT_SERVER);

    CHECK(nxt_strstr_eq(&nxt_server, &expected));
    CHECK(nxt_str_start(&nxt_server, "Unit/", 5));
}


static void
outside_of_an_application(void)
{
    nxt_unit_init_t        init;
    nxt_common_app_conf_t  conf;

    memset(&init, 0x55, sizeof(init));
    memset(&conf, 0, sizeof(conf));

    CHECK(nxt_unit_default_init(NULL, &init, &conf) == NXT_ERROR);
    CHECK(nxt_unit_default_init(NULL, NULL, NULL) == NXT_ERROR);
}


static void
websocket_length(uint64_t length, size_t size)
{
    uint8_t  frame[14], *end;

    memset(frame, 0xFF, sizeof(frame));
    frame[0] = 0x82;
    frame[1] = 0;

    end = nxt_websocket_frame_init(frame, length);

    CHECK(frame[0] == 0x82);
    CHECK((size_t) (end - frame) == size);
    CHECK(size == sizeof(frame) || frame[size] == 0xFF);
    CHECK(nxt_websocket_frame_header_size(frame) == size);
    CHECK(nxt_websocket_frame_payload_len(frame) == length);

    frame[1] |= 0x80;
    CHECK(nxt_websocket_frame_header_size(frame) == size + 4);
    CHECK(nxt_websocket_frame_payload_len(frame) == length);
}


static void
websocket(void)
{
    websocket_length(0, 2);
    websocket_length(125, 2);
    websocket_length(126, 4);
    websocket_length(65535, 4);
    websocket_length(65536, 10);
    websocket_length(UINT64_MAX, 10);

    CHECK(nxt_websocket_frame_header_size(NULL) == 0);
    CHECK(nxt_websocket_frame_payload_len(NULL) == 0);
    CHECK(nxt_websocket_frame_init(NULL, 1) == NULL);
}


static void
messages(void)
{
    int              pair[2], passed;
    char             text[8] = "";
    struct cmsghdr   *control;
    nxt_iobuf_t      piece;
    nxt_send_oob_t   out;
    nxt_recv_oob_t   in;

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);

    piece.iov_base = (void *) "hello";
    piece.iov_len = 5;

    memset(&out, 0, sizeof(out));
    control = (struct cmsghdr *) out.buf;
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(control), &pair[0], sizeof(int));
    out.size = CMSG_SPACE(sizeof(int));

    CHECK(nxt_sendmsg(pair[0], &piece, 1, &out) == 5);
    CHECK(nxt_sendmsg(pair[0], &piece, 1, NULL) == 5);

    piece.iov_base = text;
    piece.iov_len = sizeof(text);

    memset(&in, 0, sizeof(in));
    CHECK(nxt_recvmsg(pair[1], &piece, 1, &in) == 5);
    CHECK(memcmp(text, "hello", 5) == 0);
    CHECK(in.size == CMSG_SPACE(sizeof(int)));

    control = (struct cmsghdr *) in.buf;
    CHECK(control->cmsg_type == SCM_RIGHTS);
    memcpy(&passed, CMSG_DATA(control), sizeof(int));
    CHECK(fcntl(passed, F_GETFD) != -1);
    close(passed);

    CHECK(nxt_recvmsg(pair[1], &piece, 1, &in) == 5);
    CHECK(in.size == 0);

    errno = 0;
    CHECK(nxt_recvmsg(pair[1], &piece, 1, NULL) == -1 && errno == EFAULT);
    CHECK(nxt_sendmsg(pair[0], NULL, 1, NULL) == -1 && errno == EFAULT);
    CHECK(nxt_sendmsg(-1, &piece, 1, NULL) == -1 && errno == EBADF);
    out.size = sizeof(out.buf) + 1;
    CHECK(nxt_sendmsg(pair[0], &piece, 1, &out) == -1 && errno == EINVAL);

    close(pair[0]);
    close(pair[1]);
}


int
main(void)
{
    numbers();
    memory();
    hash();
    configuration();
    server();
    outside_of_an_application();
    websocket();
    messages();

    return REPORT("host");
}
