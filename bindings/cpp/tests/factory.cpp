// Guards against: a feature that is not there and is silently ignored, or refused without a name.
#include <type_traits>

#include "world.h"

using namespace ons;

static ONSFactoryAPI *factory() { return ONSFactory::getInstance(); }

TEST(there_is_one_factory) {
    CHECK(ONSFactory::getInstance() != nullptr);
    CHECK(ONSFactory::getInstance() == ONSFactory::getInstance());
    CHECK(!std::is_default_constructible<ONSFactory>::value);
}

TEST(clients_that_are_not_there_yet_say_so) {
    world::Directory directory;
    const ONSFactoryProperty settings = directory.settings("GID_test");
    const ONSClientException order = THROWN(factory()->createOrderProducer(settings));
    CHECK_NUMBER(order.GetError(), ONS_NOT_SUPPORTED);
    CHECK_CONTAINS(order.what(), "createOrderProducer");
    CHECK_CONTAINS(THROWN(factory()->createOrderConsumer(settings)).what(), "createOrderConsumer");
    CHECK_CONTAINS(THROWN(factory()->createTransactionProducer(settings, nullptr)).what(),
                   "createTransactionProducer");
    CHECK_CONTAINS(THROWN(factory()->createPullConsumer(settings)).what(), "createPullConsumer");
}

TEST(settings_that_are_not_honoured_yet_are_refused_by_name) {
    world::Directory directory;
    ONSFactoryProperty broadcasting = directory.settings("GID_test");
    broadcasting.setFactoryProperty(ONSFactoryProperty::MessageModel, ONSFactoryProperty::BROADCASTING);
    const ONSClientException refused = THROWN(factory()->createPushConsumer(broadcasting));
    CHECK_NUMBER(refused.GetError(), ONS_NOT_SUPPORTED);
    CHECK_CONTAINS(refused.what(), "BROADCASTING");

    ONSFactoryProperty remote;
    remote.setFactoryProperty(ONSFactoryProperty::GroupId, "GID_test");
    remote.setFactoryProperty(ONSFactoryProperty::NAMESRV_ADDR, "127.0.0.1:9876");
    CHECK_NUMBER(THROWN(factory()->createProducer(remote)).GetError(), ONS_NOT_SUPPORTED);
    CHECK_CONTAINS(THROWN(factory()->createProducer(remote)).what(), "127.0.0.1:9876");

    ONSFactoryProperty http;
    http.setFactoryProperty(ONSFactoryProperty::GroupId, "GID_test");
    http.setFactoryProperty(ONSFactoryProperty::ONSAddr, "http://127.0.0.1/addr");
    CHECK_NUMBER(THROWN(factory()->createPushConsumer(http)).GetError(), ONS_NOT_SUPPORTED);
    CHECK_CONTAINS(THROWN(factory()->createPushConsumer(http)).what(), "http://127.0.0.1/addr");
}

TEST(a_consumer_needs_a_group) {
    CHECK_CONTAINS(THROWN(factory()->createPushConsumer(ONSFactoryProperty())).what(), "ConsumerId");
}

TEST(a_group_outside_the_alphabet_is_refused_by_name) {
    world::Directory directory;
    const ONSClientException refused = THROWN(factory()->createProducer(directory.settings("GID bad!")));
    CHECK_NUMBER(refused.GetError(), -1);
    CHECK_CONTAINS(refused.what(), "GID bad!");
}

TEST(an_exception_without_anything_to_say_is_still_one) {
    ONSClientException none;
    CHECK_EQUAL(none.what(), "");
    ONSClientException mine("mine", 17);
    const ONSClientException copy(mine);
    CHECK_EQUAL(copy.what(), "mine");
    CHECK_EQUAL(copy.GetMsg(), "mine");
    CHECK_NUMBER(copy.GetError(), 17);
    CHECK(std::is_nothrow_copy_constructible<ONSClientException>::value);
}

TEST(a_queue_is_a_value) {
    MessageQueueONS queue("topic", "broker", 3);
    MessageQueueONS same(queue);
    CHECK(queue == same);
    CHECK_NUMBER(queue.compareTo(same), 0);
    same.setQueueId(4);
    CHECK(queue < same);
    CHECK(same.compareTo(queue) > 0);
    same.setBrokerName("a");
    CHECK(same < queue);
    same.setTopic("zzz");
    CHECK(queue < same);
    CHECK_EQUAL(same.getTopic(), "zzz");
    CHECK_EQUAL(same.getBrokerName(), "a");
    CHECK_NUMBER(same.getQueueId(), 4);
}

TEST(a_pull_result_holds_what_it_is_given) {
    PullResultONS result(ONS_FOUND, 1, 2, 3);
    result.msgFoundList.push_back(Message("topic", "tag", "body"));
    const PullResultONS copy(result);
    CHECK(copy.pullStatus == ONS_FOUND);
    CHECK_NUMBER(copy.nextBeginOffset + copy.minOffset + copy.maxOffset, 6);
    CHECK_EQUAL(copy.msgFoundList.at(0).getTopic(), "topic");
}
