// Guards against: messages that arrive damaged, twice or never, and listeners that bring the library down.
#include <set>
#include <thread>

#include "world.h"

using namespace ons;
using world::Directory;
using world::Recorder;

typedef world::Started<Producer> StartedProducer;
typedef world::Started<PushConsumer> StartedConsumer;

static std::string sendTo(Producer *producer, const char *topic, const char *tag, const std::string &body) {
    Message message(std::string(topic), std::string(tag), body);
    return producer->send(message).getMessageId();
}

static PushConsumer *subscribed(const Directory &directory, MessageListener *listener,
                                const char *expression = "*") {
    PushConsumer *consumer = world::newConsumer(directory);
    consumer->subscribe("topic", expression, listener);
    return consumer;
}

TEST(a_message_arrives_as_it_was_sent) {
    Directory directory;
    Recorder recorder;
    StartedProducer producer(world::newProducer(directory));
    const std::string bytes("\0raw\0bytes\377\0", 12);
    Message message("topic", 5, "tag", 3, bytes.data(), bytes.size());
    message.setKey("ORDERID_100");
    message.putUserProperties("colour", "b\xC3\xBC");
    const std::string id = producer->send(message).getMessageId();

    StartedConsumer consumer(subscribed(directory, &recorder));
    CHECK(recorder.receives(1));
    const Message arrived = recorder.message(0);
    CHECK_EQUAL(arrived.getTopic(), "topic");
    CHECK_EQUAL(arrived.getTag(), "tag");
    CHECK_EQUAL(arrived.getKey(), "ORDERID_100");
    CHECK_EQUAL(arrived.getMsgID(), id);
    CHECK_EQUAL(arrived.getUserProperties("colour"), "b\xC3\xBC");
    CHECK_NUMBER(arrived.getUserProperties().size(), 1);
    CHECK(arrived.getMsgBody() == bytes);
    CHECK_NUMBER(arrived.getBodySize(), bytes.size());
    int length = 0;
    CHECK(std::string(arrived.getByteBody(&length), bytes.size()) == bytes);
    CHECK_NUMBER(length, bytes.size());
    CHECK_NUMBER(arrived.getReconsumeTimes(), 0);
    CHECK_NUMBER(arrived.getQueueOffset(), 0);
    CHECK(arrived.getStoreTimestamp() > 1500000000000LL);
}

TEST(every_message_arrives_once) {
    Directory directory;
    Recorder recorder;
    StartedProducer producer(world::newProducer(directory));
    StartedConsumer consumer(subscribed(directory, &recorder));
    std::set<std::string> sent;
    world::Outcomes outcomes;
    for (int index = 0; index < 1000; ++index) {
        Message message("topic", "tag", std::to_string(index));
        producer->sendAsync(message, &outcomes);
        sent.insert(message.getMsgID());
    }
    CHECK(recorder.receives(1000));
    std::set<std::string> received;
    for (size_t index = 0; index < 1000; ++index) {
        received.insert(recorder.message(index).getMsgID());
    }
    CHECK(received == sent);
    CHECK(outcomes.told.reaches(1000));
    CHECK_NUMBER(outcomes.succeeded.count(), 1000);
    CHECK_NUMBER(recorder.count(), 1000);
}

TEST(a_kept_copy_outlives_the_call_and_the_consumer) {
    Directory directory;
    Recorder recorder;
    {
        StartedProducer producer(world::newProducer(directory));
        sendTo(producer.get(), "topic", "tag", std::string(100000, 'x'));
        StartedConsumer consumer(subscribed(directory, &recorder));
        CHECK(recorder.receives(1));
    }
    CHECK(recorder.message(0).getMsgBody() == std::string(100000, 'x'));
}

TEST(a_kept_copy_holds_memory_of_its_own_unless_it_is_large) {
    Directory directory;
    world::Counter shared;
    Recorder recorder([&shared](Message &message) {
        const Message copy(message);
        int length = 0;
        if (copy.getByteBody(&length) == message.getByteBody(&length)) {
            shared.add();
        }
        return CommitMessage;
    });
    StartedProducer producer(world::newProducer(directory));
    StartedConsumer consumer(subscribed(directory, &recorder));
    sendTo(producer.get(), "topic", "tag", "small");
    CHECK(recorder.receives(1));
    CHECK_NUMBER(shared.count(), 0);
    sendTo(producer.get(), "topic", "tag", std::string(100000, 'x'));
    CHECK(recorder.receives(2));
    CHECK_NUMBER(shared.count(), 1);
}

TEST(only_the_tags_asked_for_arrive) {
    Directory directory;
    Recorder recorder;
    StartedProducer producer(world::newProducer(directory));
    for (int index = 0; index < 3; ++index) {
        sendTo(producer.get(), "topic", "TagA", "a");
        sendTo(producer.get(), "topic", "TagB", "b");
        sendTo(producer.get(), "topic", "TagC", "c");
    }
    StartedConsumer consumer(subscribed(directory, &recorder, "TagA || TagC"));
    CHECK(recorder.receives(6));
    consumer->shutdown();
    CHECK_NUMBER(recorder.count(), 6);
    for (size_t index = 0; index < 6; ++index) {
        CHECK(std::string(recorder.message(index).getTag()) != "TagB");
    }
}

TEST(bad_subscriptions_are_refused) {
    Directory directory;
    Recorder recorder;
    PushConsumer *consumer = world::newConsumer(directory);
    CHECK_WRONG_CALL(consumer->subscribe(nullptr, "*", &recorder));
    CHECK_WRONG_CALL(consumer->subscribe("", "*", &recorder));
    CHECK_WRONG_CALL(consumer->subscribe("topic", nullptr, &recorder));
    CHECK_WRONG_CALL(consumer->subscribe("topic", "*", nullptr));
    CHECK_WRONG_CALL(consumer->unsubscribe(nullptr));
    CHECK_CONTAINS(THROWN(consumer->subscribe("bad topic", "*", &recorder)).what(), "bad topic");
    consumer->shutdown();
}

TEST(a_failed_message_comes_again_and_counts) {
    Directory directory;
    world::ManualBroker broker(directory);
    Recorder recorder([](Message &message) -> Action {
        switch (message.getReconsumeTimes()) {
        case 0:
            throw std::runtime_error("from the listener");
        case 1:
            throw 17;
        case 2:
            return ReconsumeLater;
        default:
            return CommitMessage;
        }
    });
    StartedProducer producer(world::newProducer(directory));
    StartedConsumer consumer(subscribed(directory, &recorder));
    const std::string id = sendTo(producer.get(), "topic", "tag", "body");
    const int delays[] = {10, 30, 60};
    for (int times = 0; times <= 3; ++times) {
        CHECK(recorder.receives(times + 1, broker));
        const Message arrived = recorder.message(static_cast<size_t>(times));
        CHECK_NUMBER(arrived.getReconsumeTimes(), times);
        CHECK_EQUAL(arrived.getMsgID(), id);
        CHECK_EQUAL(arrived.getTopic(), "topic");
        if (times < 3) {
            CHECK(broker.hasTimers(1));
            broker.advance(delays[times] * 1000 - 1);
            CHECK_NUMBER(recorder.count(), times + 1);
            CHECK(broker.hasTimers(1));
            broker.advance(1);
        }
    }
}

TEST(a_consumer_goes_on_where_the_group_was) {
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    for (int round = 0; round < 3; ++round) {
        Recorder recorder;
        const std::string id = sendTo(producer.get(), "topic", "tag", "body");
        StartedConsumer consumer(subscribed(directory, &recorder));
        CHECK(recorder.receives(1));
        consumer->shutdown();
        CHECK_NUMBER(recorder.count(), 1);
        CHECK_EQUAL(recorder.message(0).getMsgID(), id);
    }
}

TEST(a_later_subscription_replaces_the_earlier) {
    Directory directory;
    Recorder first;
    Recorder second;
    StartedProducer producer(world::newProducer(directory));
    StartedConsumer consumer(subscribed(directory, &first));
    sendTo(producer.get(), "topic", "tag", "one");
    CHECK(first.receives(1));
    consumer->subscribe("topic", "*", &second);
    sendTo(producer.get(), "topic", "tag", "two");
    CHECK(second.receives(1));
    CHECK_EQUAL(second.message(0).getMsgBody(), "two");
    CHECK_NUMBER(first.count(), 1);
}

TEST(an_unsubscribed_topic_stays_silent) {
    Directory directory;
    Recorder recorder;
    Recorder other;
    StartedProducer producer(world::newProducer(directory));
    PushConsumer *raw = subscribed(directory, &recorder);
    raw->subscribe("other", "*", &other);
    StartedConsumer consumer(raw);
    sendTo(producer.get(), "topic", "tag", "one");
    CHECK(recorder.receives(1));
    consumer->unsubscribe("topic");
    sendTo(producer.get(), "topic", "tag", "two");
    sendTo(producer.get(), "other", "tag", "three");
    CHECK(other.receives(1));
    consumer->shutdown();
    CHECK_NUMBER(recorder.count(), 1);
}

TEST(shutdown_inside_the_listener_is_an_exception) {
    Directory directory;
    PushConsumer *raw = world::newConsumer(directory);
    int error = 0;
    Recorder recorder([&](Message &) {
        try {
            raw->shutdown();
        } catch (const ONSClientException &e) {
            error = e.GetError();
        }
        return CommitMessage;
    });
    raw->subscribe("topic", "*", &recorder);
    StartedProducer producer(world::newProducer(directory));
    StartedConsumer consumer(raw);
    sendTo(producer.get(), "topic", "tag", "body");
    CHECK(recorder.receives(1));
    CHECK_NUMBER(error, ONS_INVALID_STATE);
    CHECK(!consumer->isClosed());
    sendTo(producer.get(), "topic", "tag", "body");
    CHECK(recorder.receives(2));
}

TEST(a_listener_may_send) {
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    Recorder answers;
    Recorder questions([&](Message &message) {
        sendTo(producer.get(), "answers", "tag", "to " + message.getMsgBody());
        return CommitMessage;
    });
    PushConsumer *raw = subscribed(directory, &questions);
    raw->subscribe("answers", "*", &answers);
    StartedConsumer consumer(raw);
    sendTo(producer.get(), "topic", "tag", "question");
    CHECK(answers.receives(1));
    CHECK_EQUAL(answers.message(0).getMsgBody(), "to question");
}

TEST(shutdown_waits_for_a_running_listener) {
    Directory directory;
    world::Counter entered;
    world::Counter released;
    bool isThrough = false;
    Recorder recorder([&](Message &) {
        entered.add();
        const bool isReleased = released.reaches(1);
        isThrough = isReleased;
        return CommitMessage;
    });
    StartedProducer producer(world::newProducer(directory));
    PushConsumer *consumer = subscribed(directory, &recorder);
    consumer->start();
    sendTo(producer.get(), "topic", "tag", "body");
    CHECK(entered.reaches(1));
    std::thread closing([&] { consumer->shutdown(); });
    released.add();
    closing.join();
    CHECK(isThrough);
    CHECK_NUMBER(recorder.count(), 1);
}

TEST(listeners_run_side_by_side) {
    Directory directory;
    world::Counter entered;
    bool isTogether[2] = {false, false};
    Recorder recorder([&](Message &message) {
        entered.add();
        isTogether[message.getMsgBody() == "1" ? 1 : 0] = entered.reaches(2);
        return CommitMessage;
    });
    StartedProducer producer(world::newProducer(directory));
    sendTo(producer.get(), "topic", "tag", "0");
    sendTo(producer.get(), "topic", "tag", "1");
    {
        StartedConsumer consumer(subscribed(directory, &recorder));
        CHECK(recorder.receives(2));
    }
    CHECK(isTogether[0] && isTogether[1]);
}

TEST(the_wrong_state_of_a_consumer_is_an_exception) {
    Directory directory;
    Recorder recorder;
    PushConsumer *consumer = subscribed(directory, &recorder);
    CHECK(!consumer->isStarted());
    consumer->start();
    CHECK(consumer->isStarted() && !consumer->isClosed());
    consumer->shutdown();
    CHECK(consumer->isClosed());
    consumer->shutdown();
    CHECK_NUMBER(THROWN(consumer->start()).GetError(), ONS_INVALID_STATE);
    CHECK_NUMBER(THROWN(consumer->subscribe("topic", "*", &recorder)).GetError(), ONS_INVALID_STATE);
}

TEST(the_embedded_default_lies_in_ons_home) {
    Directory directory;
    setenv("ONS_HOME", (directory.path() + "/home").c_str(), 1);
    Recorder recorder;
    {
        ONSFactoryProperty settings;
        settings.setFactoryProperty(ONSFactoryProperty::ProducerId, "PID_default");
        settings.setFactoryProperty(ONSFactoryProperty::ConsumerId, "CID_default");
        StartedProducer producer(ONSFactory::getInstance()->createProducer(settings));
        PushConsumer *raw = ONSFactory::getInstance()->createPushConsumer(settings);
        raw->subscribe("topic", "*", &recorder);
        StartedConsumer consumer(raw);
        sendTo(producer.get(), "topic", "tag", "body");
        CHECK(recorder.receives(1));
    }
    unsetenv("ONS_HOME");
    CHECK_NUMBER(access((directory.path() + "/home").c_str(), F_OK), 0);
}
