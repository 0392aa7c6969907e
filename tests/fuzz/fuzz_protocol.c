/* message_decode() on arbitrary bytes: what it takes can be sent again and comes back the same, a workload
 * that its kind's check() lets pass can be asked how much memory it needs, and a failure says something. */
#include "runner/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
    if (!condition)
        abort();
}

/* Encoding is a fixed point after the first time: what is not UTF-8 has become U+FFFD. */
static void send_again(const struct message *message, struct pool *texts)
{
    static uint8_t first[MESSAGE_BYTES_MAX], second[MESSAGE_BYTES_MAX];
    struct message again;
    enum message_type type;
    size_t body, length = message_encode(message, first);
    require(length >= MESSAGE_HEADER_BYTES);
    require(message_decode_header(first, &type, &body, NULL) == 0);
    require(type == message->type && body == length - MESSAGE_HEADER_BYTES);
    if (type == MESSAGE_HELLO && message->hello.protocol != PROTOCOL_VERSION)
        return; /* only its beginning is known */
    require(message_decode(type, first + MESSAGE_HEADER_BYTES, body, texts, &again, NULL) == 0);
    require(message_encode(&again, second) == length && !memcmp(first, second, length));
}

static void ask_workload(const struct workload *workload)
{
    struct error error = {0};
    if (workload->kind->check(workload, &error) < 0)
        require(error.code && error.text[0]);
    else if (workload->kind->bytes)
        require(workload->kind->bytes(workload) > 0);
}

static void try_message(enum message_type type, const uint8_t *body, size_t length)
{
    struct message message;
    struct pool texts = {0};
    struct error error = {0};
    if (message_decode(type, body, length, &texts, &message, &error) < 0)
        require(error.code == EPROTO && error.text[0]);
    else {
        send_again(&message, &texts);
        if (type == MESSAGE_PREPARE)
            ask_workload(&message.prepare.workload);
    }
    pool_free(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte is a type, the rest a body; and all of it is a header. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum message_type type = MESSAGE_TYPES;
    size_t length = 0;
    struct error error = {0};
    if (size)
        try_message((enum message_type)data[0], data + 1, size - 1);
    if (size >= MESSAGE_HEADER_BYTES) {
        if (message_decode_header(data, &type, &length, &error) == 0)
            require(type < MESSAGE_TYPES && length <= MESSAGE_BODY_MAX);
        else
            require(error.code == EPROTO && error.text[0]);
    }
    return 0;
}
