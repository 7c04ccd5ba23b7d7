// What the end-to-end tests stand on: a directory for each test, clients in it, and waiting without sleeping.
#ifndef ONS_TESTS_WORLD_H
#define ONS_TESTS_WORLD_H

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "ONSFactory.h"
#include "harness.h"

namespace world {

// A hang becomes a failed test after this long.
static const std::chrono::seconds PATIENCE(30);

class Directory {
public:
    Directory() {
        char name[] = "/tmp/ons-cpp-XXXXXX";
        if (mkdtemp(name) == nullptr) {
            throw std::runtime_error("mkdtemp failed");
        }
        path_ = name;
    }
    ~Directory() {
        if (std::system(("rm -rf " + path_).c_str()) != 0) {
            std::abort();
        }
    }
    const std::string &path() const { return path_; }

    // Settings of a client of the broker in this directory.
    ons::ONSFactoryProperty settings(const char *group) const {
        ons::ONSFactoryProperty settings;
        settings.setFactoryProperty(ons::ONSFactoryProperty::GroupId, group);
        settings.setFactoryProperty(ons::ONSFactoryProperty::ONSAddr, ("embedded:" + path_).c_str());
        return settings;
    }

private:
    std::string path_;
};

// The directory's broker under a clock that only moves when told to.
class ManualBroker {
public:
    explicit ManualBroker(const Directory &directory) : raw_(nullptr) {
        ons::detail::Call call;
        call.check(ons_broker_open(directory.path().data(), directory.path().size(), nullptr,
                                   ONS_CLOCK_MANUAL, &raw_, call.error()));
    }
    ~ManualBroker() { ons_broker_free(raw_); }
    void advance(long long milliseconds) {
        ons::detail::Call call;
        call.check(ons_broker_advance_time(raw_, milliseconds, call.error()));
    }
    // A failed message is handed back behind the listener's back: until the broker has its delay running,
    // moving the clock would not reach it.
    bool hasTimers(long long count) {
        const std::chrono::steady_clock::time_point end = std::chrono::steady_clock::now() + PATIENCE;
        int64_t waiting = -1;
        while (waiting != count && std::chrono::steady_clock::now() < end) {
            ons::detail::Call call;
            call.check(ons_broker_statistic(raw_, "timers_waiting", 14, &waiting, call.error()));
            std::this_thread::yield();
        }
        return waiting == count;
    }

private:
    ons_broker *raw_;
};

// A client that is shut down with its scope, also when a test fails.
template <class Client> class Started {
public:
    explicit Started(Client *client) : client_(client) { client_->start(); }
    ~Started() {
        try {
            client_->shutdown();
        } catch (const ons::ONSClientException &) {
        }
    }
    Started(const Started &) = delete;
    Started &operator=(const Started &) = delete;
    Client *operator->() const { return client_; }
    Client *get() const { return client_; }

private:
    Client *client_;
};

inline ons::Producer *newProducer(const Directory &directory) {
    return ons::ONSFactory::getInstance()->createProducer(directory.settings("GID_producer"));
}

inline ons::PushConsumer *newConsumer(const Directory &directory) {
    return ons::ONSFactory::getInstance()->createPushConsumer(directory.settings("GID_consumer"));
}

// Counts up on library threads; a test waits until a number is reached.
class Counter {
public:
    Counter() : count_(0) {}
    void add() {
        std::lock_guard<std::mutex> lock(mutex_);
        ++count_;
        changed_.notify_all();
    }
    int count() {
        std::lock_guard<std::mutex> lock(mutex_);
        return count_;
    }
    bool reaches(int count, std::chrono::milliseconds patience = PATIENCE) {
        std::unique_lock<std::mutex> lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return count_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_;
};

// Keeps a copy of every message; answers what `answer` says.
class Recorder : public ons::MessageListener {
public:
    typedef std::function<Action(ons::Message &)> Answer;
    Recorder() : answer_([](ons::Message &) { return CommitMessage; }) {}
    explicit Recorder(const Answer &answer) : answer_(answer) {}

    Action consume(ons::Message &message, ons::ConsumeContext &) override {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            messages_.push_back(message);
        }
        struct Arrived {
            Counter &counter;
            ~Arrived() { counter.add(); }
        } arrived = {arrived_};
        (void)arrived;
        return answer_(message);
    }
    // Whether so many calls of the listener have come and ended.
    bool receives(int count) { return arrived_.reaches(count); }
    // The same with a broker whose time has to go on for it.
    bool receives(int count, ManualBroker &broker) {
        for (int second = 0; second < PATIENCE.count(); ++second) {
            if (arrived_.reaches(count, std::chrono::milliseconds(200))) {
                return true;
            }
            broker.advance(1000);
        }
        return false;
    }
    int count() { return arrived_.count(); }
    ons::Message message(size_t index) {
        std::lock_guard<std::mutex> lock(mutex_);
        return messages_.at(index);
    }

private:
    Answer answer_;
    std::mutex mutex_;
    std::vector<ons::Message> messages_;
    Counter arrived_;
};

// Counts outcomes of asynchronous sends.
class Outcomes : public ons::SendCallbackONS {
public:
    void onSuccess(ons::SendResultONS &result) override {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            ids_.push_back(result.getMessageId());
        }
        succeeded.add();
        told.add();
    }
    void onException(ons::ONSClientException &e) override {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            failure_ = e.what();
        }
        failed.add();
        told.add();
    }
    std::vector<std::string> ids() {
        std::lock_guard<std::mutex> lock(mutex_);
        return ids_;
    }
    std::string failure() {
        std::lock_guard<std::mutex> lock(mutex_);
        return failure_;
    }

    Counter succeeded;
    Counter failed;
    Counter told;

private:
    std::mutex mutex_;
    std::vector<std::string> ids_;
    std::string failure_;
};

} // namespace world

#endif
