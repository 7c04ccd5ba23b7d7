// Consumes the COUNT (100 000) messages an earlier program sent, and ends. The number in each body tells
// what is missing and what came twice.
//
// Prints age_p50_ms and age_p99_ms: from the moment the broker stored a message to the entry of the listener,
// the pause between the two programs included. consume_per_s counts from start() to the last message.
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "ONSFactory.h"
#include "demo.h"

using namespace ons;

// Nothing new for so long: what is missing now will not come.
static const std::chrono::seconds PATIENCE(30);

class CountingListener : public MessageListener {
public:
    explicit CountingListener(size_t count) : seen_(count, 0), distinct_(0), duplicated_(0), strange_(0) {
        ages_.reserve(count);
    }

    Action consume(Message &message, ConsumeContext &) override {
        const long long age = demo::epochMillis() - message.getStoreTimestamp();
        const std::string body = message.getMsgBody();
        const size_t number = static_cast<size_t>(std::atoll(body.c_str()));
        const bool isOurs = number < seen_.size() && demo::bodyOf(static_cast<int>(number)) == body;
        std::lock_guard<std::mutex> lock(mutex_); // called on many threads at once
        if (!isOurs) {
            ++strange_;
        } else if (seen_[number]++ != 0) {
            ++duplicated_;
        } else {
            ages_.push_back(age);
            ++distinct_;
            if (distinct_ % (seen_.size() / 20 + 1) == 0 || distinct_ == seen_.size()) {
                demo::progress("consumed", distinct_, seen_.size());
                changed_.notify_one();
            }
        }
        return CommitMessage;
    }

    void waitForAll() {
        std::unique_lock<std::mutex> lock(mutex_);
        size_t before = 0;
        do {
            before = distinct_;
            changed_.wait_for(lock, PATIENCE, [this] { return distinct_ == seen_.size(); });
        } while (distinct_ != seen_.size() && distinct_ != before);
    }

    // After shutdown, when no listener runs any more.
    int report(long long micros) {
        std::sort(ages_.begin(), ages_.end());
        std::printf("consumed=%zu missing=%zu duplicated=%zu strange=%zu consume_per_s=%.0f age_p50_ms=%lld "
                    "age_p99_ms=%lld\n",
                    distinct_, seen_.size() - distinct_, duplicated_, strange_,
                    demo::perSecond(distinct_, micros), demo::percentile(ages_, 50),
                    demo::percentile(ages_, 99));
        return distinct_ == seen_.size() && duplicated_ == 0 && strange_ == 0 ? 0 : 1;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<char> seen_;
    std::vector<long long> ages_;
    size_t distinct_;
    size_t duplicated_;
    size_t strange_;
};

static int run(int count) {
    ONSFactoryProperty factoryInfo;
    factoryInfo.setFactoryProperty(ONSFactoryProperty::ConsumerId, "CID_demo");
    PushConsumer *consumer = ONSFactory::getInstance()->createPushConsumer(factoryInfo);
    CountingListener listener(static_cast<size_t>(count));
    consumer->subscribe(demo::TOPIC, "*", &listener);

    const long long start = demo::nowMicros();
    consumer->start();
    listener.waitForAll();
    const long long took = demo::nowMicros() - start;
    consumer->shutdown();
    return listener.report(took);
}

int main(int argc, char **argv) {
    try {
        return run(demo::countOf(argc, argv));
    } catch (const ONSClientException &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
