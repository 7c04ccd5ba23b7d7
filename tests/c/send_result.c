/* Guards against a result that does not say where the message is. */
#include "check.h"

#include <string.h>

int main(int argc, char **argv) {
    ons_producer *producer;
    ons_message *message;
    ons_send_result *result = NULL;
    const char *text = NULL;
    const char *message_id = NULL;
    size_t len = 0;
    size_t message_id_len = 0;
    int32_t queue_id = -1;
    int64_t queue_offset = -1;
    CHECK(argc == 2);

    producer = started_producer(argv[1]);
    message = message_of("tag", "body");
    OK(ons_producer_send(producer, message, &result, &failure));
    OK(ons_send_result_message_id(result, &message_id, &message_id_len, &failure));
    CHECK(message_id_len == 32);
    OK(ons_message_message_id(message, &text, &len, &failure));
    CHECK(len == message_id_len && memcmp(text, message_id, len) == 0);
    OK(ons_send_result_topic(result, &text, &len, &failure));
    SAME("test", text, len);
    OK(ons_send_result_queue_id(result, &queue_id, &failure));
    CHECK(queue_id >= 0);
    OK(ons_send_result_queue_offset(result, &queue_offset, &failure));
    CHECK(queue_offset == 0);

    REFUSED(ONS_NULL_ARGUMENT, "result is NULL", ons_send_result_message_id(NULL, &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message_id_out", ons_send_result_message_id(result, NULL, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message_id_len_out",
            ons_send_result_message_id(result, &text, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "result is NULL", ons_send_result_topic(NULL, &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "topic_out", ons_send_result_topic(result, NULL, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "topic_len_out", ons_send_result_topic(result, &text, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "result is NULL", ons_send_result_queue_id(NULL, &queue_id, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "queue_id_out", ons_send_result_queue_id(result, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "result is NULL", ons_send_result_queue_offset(NULL, &queue_offset, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "queue_offset_out", ons_send_result_queue_offset(result, NULL, &failure));

    /* It outlives its message and its producer. */
    ons_message_free(message);
    ons_producer_free(producer);
    OK(ons_send_result_topic(result, &text, &len, &failure));
    SAME("test", text, len);
    ons_send_result_free(result);
    ons_send_result_free(NULL);
    return 0;
}
