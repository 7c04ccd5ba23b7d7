/* Guards against messages that lose bytes, mix up properties or are shared when they should be copied. */
#include "check.h"

#include <stdio.h>
#include <string.h>

typedef ons_status (*text_getter)(const ons_message *, const char **, size_t *, ons_error **);
typedef ons_status (*text_setter)(ons_message *, const char *, size_t, ons_error **);
typedef ons_status (*long_getter)(const ons_message *, int64_t *, ons_error **);
typedef ons_status (*int_getter)(const ons_message *, int32_t *, ons_error **);

static const text_getter text_getters[] = {ons_message_topic, ons_message_tag, ons_message_key,
                                           ons_message_message_id};
static const text_setter text_setters[] = {ons_message_set_topic, ons_message_set_tag, ons_message_set_key,
                                           ons_message_set_message_id};
static const long_getter long_getters[] = {ons_message_start_deliver_time, ons_message_store_timestamp,
                                           ons_message_born_timestamp, ons_message_queue_offset};
static const int_getter int_getters[] = {ons_message_reconsume_times, ons_message_queue_id};

static const uint8_t body_with_nul[] = {'a', 0, 0xff, 'b'};

static void an_empty_message_is_empty(void) {
    ons_message *message = NULL;
    const char *text = NULL;
    const uint8_t *body = NULL;
    size_t len = 99;
    size_t i;
    int64_t number = 99;
    OK(ons_message_new(&message, &failure));
    for (i = 0; i < sizeof(text_getters) / sizeof(*text_getters); i++) {
        OK(text_getters[i](message, &text, &len, &failure));
        SAME("", text, len);
    }
    OK(ons_message_body(message, &body, &len, &failure));
    CHECK(body != NULL && len == 0);
    OK(ons_message_start_deliver_time(message, &number, &failure));
    CHECK(number == 0);
    ons_message_free(message);
}

static ons_message *full_message(void) {
    ons_message *message = NULL;
    OK(ons_message_new_with(TEXT("topic"), TEXT("tag"), TEXT("key"), body_with_nul, sizeof(body_with_nul),
                            &message, &failure));
    return message;
}

static void parts_come_back_as_they_were(void) {
    static const char *const values[] = {"topic", "tag", "key", ""};
    ons_message *message = full_message();
    const char *text = NULL;
    const uint8_t *body = NULL;
    size_t len = 0;
    size_t i;
    int64_t number = 0;
    int32_t small = 0;

    for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
        OK(text_getters[i](message, &text, &len, &failure));
        SAME(values[i], text, len);
        OK(text_setters[i](message, TEXT("caf\xc3\xa9"), &failure));
        OK(text_getters[i](message, &text, &len, &failure));
        SAME("caf\xc3\xa9", text, len);
    }
    OK(ons_message_body(message, &body, &len, &failure));
    CHECK(len == sizeof(body_with_nul) && memcmp(body, body_with_nul, len) == 0);
    OK(ons_message_set_body(message, NULL, 0, &failure));
    OK(ons_message_body(message, &body, &len, &failure));
    CHECK(len == 0);

    OK(ons_message_set_start_deliver_time(message, 1700000000001, &failure));
    OK(ons_message_start_deliver_time(message, &number, &failure));
    CHECK(number == 1700000000001);
    OK(ons_message_set_store_timestamp(message, 1700000000002, &failure));
    OK(ons_message_store_timestamp(message, &number, &failure));
    CHECK(number == 1700000000002);
    OK(ons_message_set_queue_offset(message, 3000000000, &failure));
    OK(ons_message_queue_offset(message, &number, &failure));
    CHECK(number == 3000000000);
    OK(ons_message_set_reconsume_times(message, 7, &failure));
    OK(ons_message_reconsume_times(message, &small, &failure));
    CHECK(small == 7);
    ons_message_free(message);
}

/* ons_message_parts answers as the single functions do. */
static void all_parts_in_one_call(void) {
    ons_message *message = full_message();
    const char *texts[4];
    size_t lens[4];
    const uint8_t *body = NULL;
    size_t body_len = 0;
    int64_t times[3];
    int64_t offset = -1;
    int32_t queue_id = -1;
    int32_t reconsume_times = -1;
    size_t properties = 9;
    size_t others = 9;
    size_t i;
    OK(ons_message_set_message_id(message, TEXT("id"), &failure));
    OK(ons_message_set_start_deliver_time(message, 1700000000001, &failure));
    OK(ons_message_set_store_timestamp(message, 1700000000002, &failure));
    OK(ons_message_set_queue_offset(message, 3000000000, &failure));
    OK(ons_message_set_reconsume_times(message, 7, &failure));
    OK(ons_message_clear_properties(message, &failure));
    OK(ons_message_set_property(message, TEXT("colour"), TEXT("red"), &failure));
    OK(ons_message_set_property(message, TEXT("size"), TEXT("7"), &failure));
    OK(ons_message_set_system_property(message, TEXT("__OTHER"), TEXT("x"), &failure));
    OK(ons_message_parts(message, &texts[0], &lens[0], &texts[1], &lens[1], &texts[2], &lens[2], &body,
                         &body_len, &texts[3], &lens[3], &times[0], &times[1], &times[2], &offset, &queue_id,
                         &reconsume_times, &properties, &others, &failure));
    for (i = 0; i < 4; i++) {
        static const char *const values[] = {"topic", "tag", "key", "id"};
        SAME(values[i], texts[i], lens[i]);
    }
    CHECK(body_len == sizeof(body_with_nul) && memcmp(body, body_with_nul, body_len) == 0);
    CHECK(times[0] == 1700000000001 && times[1] == 1700000000002 && times[2] == 0);
    CHECK(offset == 3000000000 && queue_id == 0 && reconsume_times == 7);
    CHECK(properties == 2 && others == 1);
    REFUSED(ONS_NULL_ARGUMENT, "born_timestamp_out",
            ons_message_parts(message, &texts[0], &lens[0], &texts[1], &lens[1], &texts[2], &lens[2], &body,
                              &body_len, &texts[3], &lens[3], &times[0], &times[1], NULL, &offset, &queue_id,
                              &reconsume_times, &properties, &others, &failure));
    ons_message_free(message);
}

static void a_copy_shares_the_body_and_nothing_else(void) {
    ons_message *message = full_message();
    ons_message *copy = NULL;
    const uint8_t *body = NULL;
    const uint8_t *body_of_copy = NULL;
    const char *text = NULL;
    size_t len = 0;
    OK(ons_message_clone(message, &copy, &failure));
    OK(ons_message_body(message, &body, &len, &failure));
    OK(ons_message_body(copy, &body_of_copy, &len, &failure));
    CHECK(body == body_of_copy);
    OK(ons_message_set_topic(message, TEXT("other"), &failure));
    OK(ons_message_set_body(message, (const uint8_t *)"new", 3, &failure));
    ons_message_free(message);
    OK(ons_message_topic(copy, &text, &len, &failure));
    SAME("topic", text, len);
    OK(ons_message_body(copy, &body_of_copy, &len, &failure));
    CHECK(len == sizeof(body_with_nul) && memcmp(body_of_copy, body_with_nul, len) == 0);
    ons_message_free(copy);
}

static void user_properties(void) {
    ons_message *message = full_message();
    const char *name = NULL;
    const char *value = NULL;
    size_t name_len = 0;
    size_t value_len = 0;
    size_t count = 99;
    OK(ons_message_property_count(message, &count, &failure));
    CHECK(count == 0);
    OK(ons_message_set_property(message, TEXT("color"), TEXT("red"), &failure));
    OK(ons_message_set_property(message, TEXT("color"), TEXT("blue"), &failure));
    OK(ons_message_property_count(message, &count, &failure));
    CHECK(count == 1);
    OK(ons_message_property(message, TEXT("color"), &value, &value_len, &failure));
    SAME("blue", value, value_len);
    OK(ons_message_property(message, TEXT("none"), &value, &value_len, &failure));
    SAME("", value, value_len);
    OK(ons_message_property_at(message, 0, &name, &name_len, &value, &value_len, &failure));
    SAME("color", name, name_len);
    SAME("blue", value, value_len);
    REFUSED(ONS_INVALID_ARGUMENT, "index is 1",
            ons_message_property_at(message, 1, &name, &name_len, &value, &value_len, &failure));
    OK(ons_message_clear_properties(message, &failure));
    OK(ons_message_property_count(message, &count, &failure));
    CHECK(count == 0);
    ons_message_free(message);
}

/* An empty value is no value. */
static void an_empty_value_takes_a_property_away(void) {
    ons_message *message = full_message();
    const char *value = NULL;
    size_t value_len = 0;
    size_t count = 99;
    OK(ons_message_set_property(message, TEXT("remark"), TEXT(""), &failure));
    OK(ons_message_set_property(message, TEXT("color"), TEXT("red"), &failure));
    OK(ons_message_set_property(message, TEXT("color"), TEXT(""), &failure));
    OK(ons_message_set_system_property(message, TEXT("__OTHER"), TEXT("red"), &failure));
    OK(ons_message_set_system_property(message, TEXT("__OTHER"), TEXT(""), &failure));
    OK(ons_message_property_count(message, &count, &failure));
    CHECK(count == 0);
    OK(ons_message_property(message, TEXT("remark"), &value, &value_len, &failure));
    SAME("", value, value_len);
    OK(ons_message_system_property(message, TEXT("__OTHER"), &value, &value_len, &failure));
    SAME("", value, value_len);
    ons_message_free(message);
}

/* What a message lends may be given back to it, though its memory moves while it grows. */
static void a_message_takes_what_it_lent(void) {
    ons_message *message = full_message();
    char name[16];
    const char *text = NULL;
    size_t len = 0;
    int i;
    for (i = 0; i < 100; i++) {
        sprintf(name, "old_tag_%d", i);
        OK(ons_message_tag(message, &text, &len, &failure));
        OK(ons_message_set_property(message, name, strlen(name), text, len, &failure));
        OK(ons_message_property(message, name, strlen(name), &text, &len, &failure));
        SAME("tag", text, len);
        OK(ons_message_set_key(message, text, len, &failure));
    }
    OK(ons_message_key(message, &text, &len, &failure));
    SAME("tag", text, len);
    ons_message_free(message);
}

static void system_properties_are_the_fields(void) {
    ons_message *message = full_message();
    const char *name = NULL;
    const char *value = NULL;
    size_t name_len = 0;
    size_t value_len = 0;
    size_t count = 0;
    size_t i;
    int32_t times = 0;
    OK(ons_message_system_property(message, TEXT("__TAG"), &value, &value_len, &failure));
    SAME("tag", value, value_len);
    OK(ons_message_set_system_property(message, TEXT("__RECONSUMETIMES"), TEXT("3"), &failure));
    OK(ons_message_reconsume_times(message, &times, &failure));
    CHECK(times == 3);
    OK(ons_message_system_property_count(message, &count, &failure));
    CHECK(count >= 3);
    for (i = 0; i < count; i++) {
        OK(ons_message_system_property_at(message, i, &name, &name_len, &value, &value_len, &failure));
        CHECK(name_len > 2 && memcmp(name, "__", 2) == 0 && value_len > 0);
    }
    REFUSED(ONS_INVALID_ARGUMENT, "index is",
            ons_message_system_property_at(message, count, &name, &name_len, &value, &value_len, &failure));
    OK(ons_message_clear_system_properties(message, &failure));
    OK(ons_message_key(message, &value, &value_len, &failure));
    SAME("", value, value_len);
    ons_message_free(message);
}

static void limits_are_told(void) {
    ons_message *message = full_message();
    char long_tag[129];
    memset(long_tag, 't', sizeof(long_tag));
    OK(ons_message_set_tag(message, long_tag, 128, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "128", ons_message_set_tag(message, long_tag, 129, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "128", ons_message_set_key(message, long_tag, 129, &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "topic is not valid UTF-8 (at byte 1 of 2)",
            ons_message_set_topic(message, TEXT("a\xff"), &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "body is said to be",
            ons_message_set_body(message, body_with_nul, (size_t)-1, &failure));
    ons_message_free(message);
}

/* Whoever reads it as a C string would see less than what is stored. */
static void text_with_a_nul_is_refused(void) {
    static const char *const names[] = {"topic has a NUL (at byte 1 of 3)", "tag has a NUL (at byte 1 of 3)",
                                        "key has a NUL (at byte 1 of 3)",
                                        "message_id has a NUL (at byte 1 of 3)"};
    static const char *const before[] = {"topic", "tag", "key", ""};
    ons_message *message = full_message();
    const char *text = NULL;
    size_t len = 0;
    size_t i;
    for (i = 0; i < sizeof(text_setters) / sizeof(*text_setters); i++) {
        REFUSED(ONS_INVALID_ARGUMENT, names[i], text_setters[i](message, TEXT("a\0b"), &failure));
        OK(text_getters[i](message, &text, &len, &failure));
        SAME(before[i], text, len);
    }
    REFUSED(ONS_INVALID_ARGUMENT, "name has a NUL (at byte 0 of 1)",
            ons_message_set_property(message, TEXT("\0"), TEXT("red"), &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "value has a NUL (at byte 3 of 4)",
            ons_message_set_property(message, TEXT("color"), TEXT("red\0"), &failure));
    REFUSED(ONS_INVALID_ARGUMENT, "value has a NUL (at byte 3 of 4)",
            ons_message_set_system_property(message, TEXT("__TAG"), TEXT("red\0"), &failure));
    OK(ons_message_property_count(message, &len, &failure));
    CHECK(len == 0);
    ons_message_free(message);
}

static void null_fields_are_refused(void) {
    ons_message *message = full_message();
    const char *text;
    const uint8_t *body;
    size_t len;
    size_t i;
    int64_t number;
    int32_t small;
    for (i = 0; i < sizeof(text_getters) / sizeof(*text_getters); i++) {
        REFUSED(ONS_NULL_ARGUMENT, "message is NULL", text_getters[i](NULL, &text, &len, &failure));
        REFUSED(ONS_NULL_ARGUMENT, "_out is NULL", text_getters[i](message, NULL, &len, &failure));
        REFUSED(ONS_NULL_ARGUMENT, "_len_out is NULL", text_getters[i](message, &text, NULL, &failure));
        REFUSED(ONS_NULL_ARGUMENT, "message is NULL", text_setters[i](NULL, TEXT("a"), &failure));
        REFUSED(ONS_NULL_ARGUMENT, "is NULL", text_setters[i](message, NULL, 1, &failure));
        OK(text_setters[i](message, NULL, 0, &failure));
    }
    for (i = 0; i < sizeof(long_getters) / sizeof(*long_getters); i++) {
        REFUSED(ONS_NULL_ARGUMENT, "message is NULL", long_getters[i](NULL, &number, &failure));
        REFUSED(ONS_NULL_ARGUMENT, "_out is NULL", long_getters[i](message, NULL, &failure));
    }
    for (i = 0; i < sizeof(int_getters) / sizeof(*int_getters); i++) {
        REFUSED(ONS_NULL_ARGUMENT, "message is NULL", int_getters[i](NULL, &small, &failure));
        REFUSED(ONS_NULL_ARGUMENT, "_out is NULL", int_getters[i](message, NULL, &failure));
    }
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_message_set_start_deliver_time(NULL, 1, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_message_set_reconsume_times(NULL, 1, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_message_set_store_timestamp(NULL, 1, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_message_set_queue_offset(NULL, 1, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_message_body(NULL, &body, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "body_out", ons_message_body(message, NULL, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "body_len_out", ons_message_body(message, &body, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_message_set_body(NULL, body_with_nul, 1, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "body is NULL", ons_message_set_body(message, NULL, 1, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message_out", ons_message_new(NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message_out",
            ons_message_new_with(TEXT("a"), NULL, 0, NULL, 0, NULL, 0, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "topic is NULL",
            ons_message_new_with(NULL, 1, NULL, 0, NULL, 0, NULL, 0, &message, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_message_clone(NULL, &message, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message_out", ons_message_clone(message, NULL, &failure));
    ons_message_free(message);
    ons_message_free(NULL);
}

typedef ons_status (*property_setter)(ons_message *, const char *, size_t, const char *, size_t,
                                      ons_error **);
typedef ons_status (*property_getter)(const ons_message *, const char *, size_t, const char **, size_t *,
                                      ons_error **);
typedef ons_status (*property_counter)(const ons_message *, size_t *, ons_error **);
typedef ons_status (*property_walker)(const ons_message *, size_t, const char **, size_t *, const char **,
                                      size_t *, ons_error **);

static void null_properties_are_refused(property_setter set, property_getter get, property_counter count,
                                        property_walker at) {
    ons_message *message = full_message();
    const char *text;
    size_t len;
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", set(NULL, TEXT("a"), TEXT("b"), &failure));
    REFUSED(ONS_NULL_ARGUMENT, "name is NULL", set(message, NULL, 0, TEXT("b"), &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value is NULL", set(message, TEXT("a"), NULL, 0, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", get(NULL, TEXT("a"), &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "name is NULL", get(message, NULL, 0, &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value_out", get(message, TEXT("a"), NULL, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value_len_out", get(message, TEXT("a"), &text, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", count(NULL, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "count_out", count(message, NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", at(NULL, 0, &text, &len, &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "name_out", at(message, 0, NULL, &len, &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "name_len_out", at(message, 0, &text, NULL, &text, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value_out", at(message, 0, &text, &len, NULL, &len, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "value_len_out", at(message, 0, &text, &len, &text, NULL, &failure));
    ons_message_free(message);
}

int main(void) {
    an_empty_message_is_empty();
    parts_come_back_as_they_were();
    all_parts_in_one_call();
    a_copy_shares_the_body_and_nothing_else();
    user_properties();
    an_empty_value_takes_a_property_away();
    a_message_takes_what_it_lent();
    system_properties_are_the_fields();
    limits_are_told();
    text_with_a_nul_is_refused();
    null_fields_are_refused();
    null_properties_are_refused(ons_message_set_property, ons_message_property, ons_message_property_count,
                                ons_message_property_at);
    null_properties_are_refused(ons_message_set_system_property, ons_message_system_property,
                                ons_message_system_property_count, ons_message_system_property_at);
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_message_clear_properties(NULL, &failure));
    REFUSED(ONS_NULL_ARGUMENT, "message is NULL", ons_message_clear_system_properties(NULL, &failure));
    return 0;
}
