// Sends COUNT (100 000) numbered messages of 1 KiB to the broker in this process and ends. Every one is on
// the disk when its callback runs (FlushDiskType SYNC_FLUSH, the default); up to WINDOW are under way at
// once, so that many share one flush.
//
// Prints send_p50_us and send_p99_us: from the call of sendAsync to onSuccess, waiting for the flush
// included.
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>

#include "ONSFactory.h"
#include "demo.h"

using namespace ons;

static const int WINDOW = 2000;

// Counts what is under way, and remembers how long each send took.
class Window {
public:
    explicit Window(size_t count) : count_(count), underWay_(0) { micros_.reserve(count); }

    // Waits for room; false once a send failed.
    bool enter() {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return underWay_ < WINDOW; });
        ++underWay_;
        return failure_.empty();
    }

    void leave(long long micros, const std::string &failure) {
        std::lock_guard<std::mutex> lock(mutex_);
        --underWay_;
        if (!failure.empty()) {
            failure_ = failure;
        } else {
            micros_.push_back(micros);
            if (micros_.size() % (count_ / 20 + 1) == 0 || micros_.size() == count_) {
                demo::progress("sent", micros_.size(), count_);
            }
        }
        changed_.notify_one();
    }

    // Waits for the last one; the times of those that were stored, in order.
    std::vector<long long> finish() {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return underWay_ == 0; });
        std::sort(micros_.begin(), micros_.end());
        return micros_;
    }

    std::string failure() {
        std::lock_guard<std::mutex> lock(mutex_);
        return failure_;
    }

private:
    const size_t count_;
    int underWay_;
    std::string failure_;
    std::vector<long long> micros_;
    std::mutex mutex_;
    std::condition_variable changed_;
};

// One per message, alive until its outcome is told.
class Sent : public SendCallbackONS {
public:
    explicit Sent(Window &window) : window_(window), start_(demo::nowMicros()) {}
    void onSuccess(SendResultONS &) override { done(""); }
    void onException(ONSClientException &e) override { done(e.what()); }

private:
    void done(const std::string &failure) {
        const std::unique_ptr<Sent> self(this);
        window_.leave(demo::nowMicros() - start_, failure);
    }

    Window &window_;
    const long long start_;
};

static int run(int count) {
    ONSFactoryProperty factoryInfo;
    factoryInfo.setFactoryProperty(ONSFactoryProperty::ProducerId, "PID_demo");
    Producer *producer = ONSFactory::getInstance()->createProducer(factoryInfo);
    producer->start();

    Window window(static_cast<size_t>(count));
    const long long start = demo::nowMicros();
    for (int number = 0; number < count; ++number) {
        Message message(demo::TOPIC, "TagA", demo::bodyOf(number));
        message.setKey(std::to_string(number).c_str());
        const bool isGoingWell = window.enter();
        producer->sendAsync(message, new Sent(window));
        if (!isGoingWell) {
            break;
        }
    }
    std::vector<long long> micros = window.finish();
    const long long took = demo::nowMicros() - start;
    producer->shutdown();

    if (!window.failure().empty()) {
        std::fprintf(stderr, "\n%s\n", window.failure().c_str());
    }
    std::printf("sent=%zu send_per_s=%.0f send_p50_us=%lld send_p99_us=%lld\n", micros.size(),
                demo::perSecond(micros.size(), took), demo::percentile(micros, 50),
                demo::percentile(micros, 99));
    return micros.size() == static_cast<size_t>(count) ? 0 : 1;
}

int main(int argc, char **argv) {
    try {
        return run(demo::countOf(argc, argv));
    } catch (const ONSClientException &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
