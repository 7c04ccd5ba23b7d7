// Guards against: a send that reports success without one, a callback that runs twice or never, and a
// producer that hangs or crashes when it is used in the wrong state.
#include <cctype>
#include <set>
#include <thread>

#include <sys/stat.h>

#include "world.h"

using namespace ons;
using world::Directory;

typedef world::Started<Producer> StartedProducer;

static bool isMessageId(const std::string &id) {
    for (char c : id) {
        if (!std::isdigit(static_cast<unsigned char>(c)) && !(c >= 'A' && c <= 'F')) {
            return false;
        }
    }
    return id.size() == 32;
}

TEST(a_send_returns_the_id_it_sets_on_the_message) {
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    Message message("topic", "tag", "body");
    CHECK_EQUAL(message.getMsgID(), "");
    const SendResultONS result = producer->send(message);
    CHECK(isMessageId(result.getMessageId()));
    CHECK_EQUAL(message.getMsgID(), result.getMessageId());
    CHECK_EQUAL(message.getSystemProperties(SystemPropKey::MSGID), result.getMessageId());
    const SendResultONS second = producer->send(message);
    CHECK(std::string(second.getMessageId()) != result.getMessageId());
    CHECK_EQUAL(message.getMsgID(), second.getMessageId());
}

TEST(many_threads_share_a_producer) {
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    std::vector<std::set<std::string>> ids(8);
    std::vector<std::thread> threads;
    for (std::set<std::string> &mine : ids) {
        threads.push_back(std::thread([&producer, &mine] {
            for (int index = 0; index < 50; ++index) {
                Message message("topic", "tag", "body");
                mine.insert(producer->send(message).getMessageId());
            }
        }));
    }
    std::set<std::string> all;
    for (size_t index = 0; index < threads.size(); ++index) {
        threads[index].join();
        all.insert(ids[index].begin(), ids[index].end());
    }
    CHECK_NUMBER(all.size(), 400);
}

TEST(every_asynchronous_send_is_told_exactly_once) {
    Directory directory;
    world::Outcomes outcomes;
    std::set<std::string> expected;
    {
        StartedProducer producer(world::newProducer(directory));
        for (int index = 0; index < 500; ++index) {
            Message message("topic", "tag", "body");
            producer->sendAsync(message, &outcomes);
            CHECK(isMessageId(message.getMsgID()));
            expected.insert(message.getMsgID());
        }
        CHECK(outcomes.told.reaches(500));
    }
    CHECK_NUMBER(outcomes.told.count(), 500);
    CHECK_NUMBER(outcomes.succeeded.count(), 500);
    const std::vector<std::string> ids = outcomes.ids();
    CHECK(std::set<std::string>(ids.begin(), ids.end()) == expected);
}

TEST(shutdown_waits_for_the_callbacks) {
    Directory directory;
    world::Outcomes outcomes;
    Producer *producer = world::newProducer(directory);
    producer->start();
    for (int index = 0; index < 200; ++index) {
        Message message("topic", "tag", "body");
        producer->sendAsync(message, &outcomes);
    }
    producer->shutdown();
    CHECK_NUMBER(outcomes.told.count(), 200);
}

TEST(a_null_callback_is_refused) {
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    Message message("topic", "tag", "body");
    CHECK_WRONG_CALL(producer->sendAsync(message, nullptr));
}

TEST(an_empty_topic_or_body_is_not_sent) {
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    Message noTopic("", "tag", "body");
    Message noBody("topic", "tag", "");
    CHECK_CONTAINS(THROWN(producer->send(noTopic)).what(), "topic");
    CHECK_CONTAINS(THROWN(producer->send(noBody)).what(), "body");
    CHECK_CONTAINS(THROWN(producer->sendOneway(noTopic)).what(), "topic");
    CHECK_CONTAINS(THROWN(producer->sendOneway(noBody)).what(), "body");
    CHECK(THROWN(producer->send(noBody)).stored() == ONS_STORED_NO);
    world::Outcomes outcomes;
    producer->sendAsync(noTopic, &outcomes);
    producer->sendAsync(noBody, &outcomes);
    CHECK(outcomes.told.reaches(2));
    CHECK_NUMBER(outcomes.failed.count(), 2);
    CHECK_CONTAINS(outcomes.failure(), "body");
}

TEST(what_is_over_a_limit_is_refused_with_the_limit) {
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    const size_t limit = 4 << 20;
    Message large("topic", "tag", std::string(limit + 1, 'x'));
    CHECK_CONTAINS(THROWN(producer->send(large)).what(), "4194304");
    Message largest("topic", "tag", std::string(limit, 'x'));
    CHECK(isMessageId(producer->send(largest).getMessageId()));
    Message badTopic("no spaces please", "tag", "body");
    CHECK_CONTAINS(THROWN(producer->send(badTopic)).what(), "no spaces please");
    Message longTopic(std::string(128, 't'), "tag", std::string("body"));
    CHECK_CONTAINS(THROWN(producer->send(longTopic)).what(), "127");
    Message message;
    CHECK_CONTAINS(THROWN(message.setTag(std::string(129, 'g').c_str())).what(), "128");
    CHECK_CONTAINS(THROWN(message.setKey(std::string(129, 'k').c_str())).what(), "128");
}

TEST(a_one_way_send_tells_nothing) {
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    Message message("topic", "tag", "body");
    producer->sendOneway(message);
    CHECK(isMessageId(message.getMsgID()));
}

TEST(sends_that_are_not_there_yet_say_so) {
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    Message message("topic", "tag", "body");
    const ONSClientException chosen = THROWN(producer->send(message, MessageQueueONS("topic", "broker", 3)));
    CHECK_NUMBER(chosen.GetError(), ONS_NOT_SUPPORTED);
    CHECK_CONTAINS(chosen.what(), "queue 3");
    message.setStartDeliverTime(4102444800000LL); // the year 2100
    const ONSClientException timed = THROWN(producer->send(message));
    CHECK_CONTAINS(timed.what(), "deliver");
}

TEST(the_wrong_state_is_an_exception) {
    Directory directory;
    Producer *producer = world::newProducer(directory);
    Message message("topic", "tag", "body");
    world::Outcomes outcomes;
    CHECK(!producer->isStarted());
    CHECK_NUMBER(THROWN(producer->send(message)).GetError(), ONS_INVALID_STATE);
    producer->start();
    CHECK(producer->isStarted() && !producer->isClosed());
    producer->send(message);
    producer->shutdown();
    CHECK(producer->isClosed());
    producer->shutdown();
    CHECK_NUMBER(THROWN(producer->send(message)).GetError(), ONS_INVALID_STATE);
    CHECK_NUMBER(THROWN(producer->sendOneway(message)).GetError(), ONS_INVALID_STATE);
    CHECK_NUMBER(THROWN(producer->start()).GetError(), ONS_INVALID_STATE);
    producer->sendAsync(message, &outcomes);
    CHECK(outcomes.told.reaches(1));
    CHECK_NUMBER(outcomes.failed.count(), 1);
}

TEST(a_producer_never_started_can_be_shut_down) {
    Directory directory;
    Producer *producer = world::newProducer(directory);
    producer->shutdown();
    CHECK(producer->isClosed());
}

TEST(a_callback_that_throws_harms_nothing) {
    struct Throwing : public SendCallbackONS {
        world::Counter told;
        void onSuccess(SendResultONS &) override {
            told.add();
            throw std::runtime_error("from onSuccess");
        }
        void onException(ONSClientException &) override {
            told.add();
            throw 17;
        }
    } throwing;
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    Message message("topic", "tag", "body");
    Message empty("topic", "tag", "");
    producer->sendAsync(message, &throwing);
    producer->sendAsync(empty, &throwing);
    producer->sendAsync(message, &throwing);
    CHECK(throwing.told.reaches(3));
    CHECK(isMessageId(producer->send(message).getMessageId()));
}

TEST(a_callback_may_send_again_but_not_shut_down) {
    struct Chained : public SendCallbackONS {
        explicit Chained(Producer *p) : producer(p), shutdownError(0) {}
        Producer *producer;
        world::Outcomes second;
        int shutdownError;
        void onSuccess(SendResultONS &) override {
            try {
                producer->shutdown();
            } catch (const ONSClientException &e) {
                shutdownError = e.GetError();
            }
            Message message("topic", "tag", "again");
            producer->sendAsync(message, &second);
        }
    };
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    Chained chained(producer.get());
    Message message("topic", "tag", "body");
    producer->sendAsync(message, &chained);
    CHECK(chained.second.told.reaches(1));
    CHECK_NUMBER(chained.second.succeeded.count(), 1);
    CHECK_NUMBER(chained.shutdownError, ONS_INVALID_STATE);
    CHECK(!producer->isClosed());
}

TEST(sending_again_from_on_exception_does_not_go_round_for_ever) {
    struct Again : public SendCallbackONS {
        explicit Again(Producer *p) : producer(p), told(0) {}
        Producer *producer;
        int told;
        void onException(ONSClientException &) override {
            ++told;
            Message empty("topic", "tag", "");
            producer->sendAsync(empty, this);
        }
    };
    Directory directory;
    StartedProducer producer(world::newProducer(directory));
    Again again(producer.get());
    Message empty("topic", "tag", "");
    producer->sendAsync(empty, &again);
    CHECK_NUMBER(again.told, 1);
}

TEST(a_directory_that_cannot_be_used_is_named) {
    Directory directory;
    const std::string file = directory.path() + "/plain-file";
    std::fclose(std::fopen(file.c_str(), "w"));
    ONSFactoryProperty settings;
    settings.setFactoryProperty(ONSFactoryProperty::ProducerId, "PID_test");
    settings.setFactoryProperty(ONSFactoryProperty::ONSAddr, ("embedded:" + file + "/below").c_str());
    Producer *producer = ONSFactory::getInstance()->createProducer(settings);
    CHECK_CONTAINS(THROWN(producer->start()).what(), file);
    producer->shutdown();
}
