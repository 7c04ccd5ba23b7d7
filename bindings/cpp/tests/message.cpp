// Guards against: a Message that loses bytes, hands out dangling text, or takes a NULL it should refuse.
#include <thread>

#include "ONSFactory.h"
#include "harness.h"

using namespace ons;

static const std::string WITH_NUL("a\0b\0", 4);

TEST(a_null_topic_or_body_is_refused_by_every_constructor) {
    const char *none = nullptr;
    CHECK_WRONG_CALL(Message(none, "tag", "body"));
    CHECK_WRONG_CALL(Message("topic", "tag", none));
    CHECK_WRONG_CALL(Message(none, "tag", "key", "body"));
    CHECK_WRONG_CALL(Message("topic", "tag", "key", none));
    CHECK_WRONG_CALL(Message(none, 5, "tag", 3, "body", 4));
    CHECK_WRONG_CALL(Message("topic", 5, "tag", 3, none, 4));
    CHECK_CONTAINS(THROWN(Message(none, "tag", "body")).what(), "topic");
    CHECK_CONTAINS(THROWN(Message("topic", "tag", none)).what(), "body");
}

TEST(the_sized_constructor_refuses_an_empty_topic_or_body) {
    CHECK_WRONG_CALL(Message("topic", 0, "tag", 3, "body", 4));
    CHECK_WRONG_CALL(Message("topic", 5, "tag", 3, "body", 0));
}

TEST(a_null_tag_or_key_is_empty) {
    Message three("topic", static_cast<const char *>(nullptr), "body");
    CHECK_EQUAL(three.getTag(), "");
    Message four("topic", nullptr, nullptr, "body");
    CHECK_EQUAL(four.getTag(), "");
    CHECK_EQUAL(four.getKey(), "");
    Message sized("topic", 5, nullptr, 3, "body", 4);
    CHECK_EQUAL(sized.getTag(), "");
}

TEST(constructors_put_every_part_in_its_place) {
    Message four("topic", "tag", "key", "body");
    CHECK_EQUAL(four.getTopic(), "topic");
    CHECK_EQUAL(four.getTag(), "tag");
    CHECK_EQUAL(four.getKey(), "key");
    CHECK_EQUAL(four.getBody(), "body");
    Message sized("topicX", 5, "tagX", 3, "bodyX", 4);
    CHECK_EQUAL(sized.getTopic(), "topic");
    CHECK_EQUAL(sized.getTag(), "tag");
    CHECK_EQUAL(sized.getBody(), "body");
    Message strings(std::string("topic"), std::string("tag"), std::string("body"));
    CHECK_EQUAL(strings.getTopic(), "topic");
    CHECK_EQUAL(strings.getKey(), "");
}

TEST(a_new_message_is_empty) {
    Message message;
    CHECK_EQUAL(message.getTopic(), "");
    CHECK_EQUAL(message.getTag(), "");
    CHECK_EQUAL(message.getKey(), "");
    CHECK_EQUAL(message.getMsgID(), "");
    CHECK_EQUAL(message.getBody(), "");
    CHECK_NUMBER(message.getBodySize(), 0);
    CHECK_NUMBER(message.getStartDeliverTime(), 0);
    CHECK_NUMBER(message.getReconsumeTimes(), 0);
}

TEST(setters_take_null_as_empty) {
    Message message("topic", "tag", "key", "body");
    message.setTopic(nullptr);
    message.setTag(nullptr);
    message.setKey(nullptr);
    message.setMsgID("id");
    message.setMsgID(nullptr);
    message.setBody(nullptr);
    CHECK_EQUAL(message.getTopic(), "");
    CHECK_EQUAL(message.getTag(), "");
    CHECK_EQUAL(message.getKey(), "");
    CHECK_EQUAL(message.getMsgID(), "");
    CHECK_NUMBER(message.getBodySize(), 0);
}

TEST(nul_bytes_survive_where_a_length_is_given) {
    CHECK(Message("t", "g", WITH_NUL).getMsgBody() == WITH_NUL);
    CHECK(Message("t", 1, "g", 1, WITH_NUL.data(), WITH_NUL.size()).getMsgBody() == WITH_NUL);
    Message message;
    message.setMsgBody(WITH_NUL);
    CHECK(message.getMsgBody() == WITH_NUL);
    unsigned char bytes[] = {0, 1, 0, 255};
    message.setBody(bytes, 4);
    CHECK(message.getMsgBody() == std::string("\0\1\0\377", 4));
    CHECK_NUMBER(message.getBodySize(), 4);
    int length = -1;
    const char *body = message.getByteBody(&length);
    CHECK_NUMBER(length, 4);
    CHECK(std::string(body, 4) == message.getMsgBody());
}

TEST(a_c_string_body_ends_at_its_nul) {
    Message message("t", "g", WITH_NUL.c_str());
    CHECK_EQUAL(message.getMsgBody(), "a");
    message.setBody("longer than before");
    CHECK_EQUAL(message.getBody(), "longer than before");
    message.setBody("short");
    CHECK_EQUAL(message.getBody(), "short");
    CHECK_NUMBER(message.getBody()[5], 0);
}

TEST(a_body_length_that_makes_no_sense_is_refused) {
    Message message("t", "g", "before");
    unsigned char byte = 'x';
    CHECK_WRONG_CALL(message.setBody(&byte, -1));
    CHECK_WRONG_CALL(message.setBody(nullptr, 1));
    CHECK_WRONG_CALL(message.getByteBody(nullptr));
    CHECK_EQUAL(message.getBody(), "before");
    message.setBody(nullptr, 0);
    CHECK_NUMBER(message.getBodySize(), 0);
}

TEST(a_property_needs_a_name_and_a_value) {
    Message message;
    CHECK_WRONG_CALL(message.putUserProperties(nullptr, "value"));
    CHECK_WRONG_CALL(message.putUserProperties("name", nullptr));
    CHECK_WRONG_CALL(message.putSystemProperties(nullptr, "value"));
    CHECK_WRONG_CALL(message.putSystemProperties("name", nullptr));
    CHECK_CONTAINS(THROWN(message.putUserProperties("colour", nullptr)).what(), "colour");
}

TEST(a_missing_property_is_empty_and_a_null_name_gives_null) {
    Message message;
    CHECK_EQUAL(message.getUserProperties("missing"), "");
    CHECK_EQUAL(message.getSystemProperties("missing"), "");
    CHECK(message.getUserProperties(static_cast<const char *>(nullptr)) == nullptr);
    CHECK(message.getSystemProperties(static_cast<const char *>(nullptr)) == nullptr);
}

TEST(user_properties_are_kept_and_replaced) {
    Message message;
    message.putUserProperties("a", "1");
    message.putUserProperties("b", "2");
    CHECK_EQUAL(message.getUserProperties("a"), "1");
    message.putUserProperties("a", "3");
    CHECK_EQUAL(message.getUserProperties("a"), "3");
    std::map<std::string, std::string> expected;
    expected["a"] = "3";
    expected["b"] = "2";
    CHECK(message.getUserProperties() == expected);
    std::map<std::string, std::string> other;
    other["c"] = "4";
    message.setUserProperties(other);
    CHECK(message.getUserProperties() == other);
    CHECK_EQUAL(message.getUserProperties("a"), "");
}

TEST(system_properties_are_other_names_of_the_fields) {
    Message message("topic", "tag", "key", "body");
    CHECK_EQUAL(message.getSystemProperties(SystemPropKey::TAG), "tag");
    CHECK_EQUAL(message.getSystemProperties(SystemPropKey::KEY), "key");
    message.setTag("other");
    CHECK_EQUAL(message.getSystemProperties(SystemPropKey::TAG), "other");
    message.putSystemProperties(SystemPropKey::TAG, "third");
    CHECK_EQUAL(message.getTag(), "third");
    message.putSystemProperties(SystemPropKey::RECONSUMETIMES, "7");
    CHECK_NUMBER(message.getReconsumeTimes(), 7);
    message.setReconsumeTimes(8);
    CHECK_EQUAL(message.getSystemProperties(SystemPropKey::RECONSUMETIMES), "8");
    message.putSystemProperties(SystemPropKey::STARTDELIVERTIME, "1500000000000");
    CHECK_NUMBER(message.getStartDeliverTime(), 1500000000000LL);
    message.putSystemProperties(SystemPropKey::MSGID, "0123");
    CHECK_EQUAL(message.getMsgID(), "0123");
    std::map<std::string, std::string> replaced;
    replaced[SystemPropKey::KEY] = "new key";
    message.setSystemProperties(replaced);
    CHECK_EQUAL(message.getKey(), "new key");
    CHECK_EQUAL(message.getTag(), "");
    CHECK_NUMBER(message.getReconsumeTimes(), 0);
}

TEST(user_and_system_properties_do_not_mix) {
    Message message("topic", "tag", "key", "body");
    message.putUserProperties("mine", "1");
    CHECK_NUMBER(message.getUserProperties().size(), 1);
    CHECK_EQUAL(message.getUserProperties("__TAG"), "");
    CHECK_EQUAL(message.getSystemProperties("mine"), "");
    CHECK_NUMBER(message.getSystemProperties().count("__TAG"), 1);
}

TEST(numbers_are_kept) {
    Message message;
    message.setStoreTimestamp(1234567890123LL);
    message.setQueueOffset(1LL << 40);
    message.setStartDeliverTime(42);
    message.setReconsumeTimes(3);
    CHECK_NUMBER(message.getStoreTimestamp(), 1234567890123LL);
    CHECK_NUMBER(message.getQueueOffset(), 1LL << 40);
    CHECK_NUMBER(message.getStartDeliverTime(), 42);
    CHECK_NUMBER(message.getReconsumeTimes(), 3);
}

TEST(copies_are_independent) {
    Message original("topic", "tag", "key", "body");
    original.putUserProperties("a", "1");
    Message copy(original);
    copy.setTopic("other");
    copy.setBody("changed");
    copy.putUserProperties("a", "2");
    CHECK_EQUAL(original.getTopic(), "topic");
    CHECK_EQUAL(original.getBody(), "body");
    CHECK_EQUAL(original.getUserProperties("a"), "1");
    original = copy;
    CHECK_EQUAL(original.getTopic(), "other");
    CHECK_EQUAL(original.getBody(), "changed");
    Message &self = original;
    original = self;
    CHECK_EQUAL(original.getUserProperties("a"), "2");
    std::vector<Message> many(100, original);
    many.insert(many.begin(), Message("first", "", "x"));
    CHECK_EQUAL(many.front().getTopic(), "first");
    CHECK_EQUAL(many.back().getTopic(), "other");
}

TEST(a_text_lives_until_what_it_names_is_changed) {
    Message message("topic", "tag", "key", "body");
    const char *topic = message.getTopic();
    const char *body = message.getBody();
    CHECK(message.getTopic() == topic);
    message.setTag("other");
    message.setKey("other");
    message.putUserProperties("a", "1");
    CHECK(message.getTopic() == topic);
    CHECK(message.getBody() == body);
    message.setTag(message.getTag());
    message.setTopic(message.getTopic());
    CHECK_EQUAL(message.getTopic(), "topic");
    CHECK_EQUAL(message.getTag(), "other");
}

TEST(a_const_message_may_be_read_by_many_threads) {
    Message message("topic", "tag", "key", "body");
    message.putUserProperties("a", "1");
    const Message &shared = message;
    std::vector<int> wrong(8, 0);
    std::vector<std::thread> threads;
    for (size_t index = 0; index < wrong.size(); ++index) {
        threads.push_back(std::thread([&shared, &wrong, index] {
            for (int round = 0; round < 1000; ++round) {
                const bool isRight = std::string(shared.getTopic()) == "topic" &&
                                     std::string(shared.getBody()) == "body" &&
                                     std::string(shared.getUserProperties("a")) == "1";
                wrong[index] += isRight ? 0 : 1;
            }
        }));
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    for (int count : wrong) {
        CHECK_NUMBER(count, 0);
    }
}

TEST(the_printed_form_names_everything_but_the_body) {
    Message message("topic", "tag", "key", "secret body");
    message.putUserProperties("colour", "blue");
    const std::string text = message.toString();
    CHECK_CONTAINS(text, "topic=topic");
    CHECK_CONTAINS(text, "colour=blue");
    CHECK_CONTAINS(text, "__KEY=key");
    CHECK_CONTAINS(text, "bodySize=11");
    CHECK(!harness::contains(text, "secret"));
    CHECK_CONTAINS(message.toUserString(), "colour=blue");
    CHECK_CONTAINS(message.toSystemString(), "__TAG=tag");
}

TEST(a_message_may_be_derived_from) {
    struct Order : public Message {
        Order() { Init("orders", "new", "key", WITH_NUL); }
    };
    Order order;
    CHECK_EQUAL(order.getTopic(), "orders");
    CHECK_EQUAL(order.getKey(), "key");
    CHECK(order.getMsgBody() == WITH_NUL);
}

TEST(text_that_is_not_utf_8_is_refused_by_name) {
    Message message;
    CHECK_CONTAINS(THROWN(message.setTag("\xD6\xD0")).what(), "UTF-8");
    CHECK_EQUAL(message.getTag(), "");
}
