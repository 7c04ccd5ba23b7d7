// Ends in the middle of everything, in the way argv[1] names, without shutting anything down. The process has
// to end by itself, with the exit code 7 it chose.
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "ONSFactory.h"

using namespace ons;

static const char *way = "";
// Never destroyed: main may still wait on them when another thread ends the program.
static std::mutex &mutex = *new std::mutex;
static std::condition_variable &changed = *new std::condition_variable;
static int received = 0;

class Listener : public MessageListener {
public:
    Action consume(Message &, ConsumeContext &) override {
        // Two threads may not call exit() at once.
        static std::atomic<bool> isExiting(false);
        if (std::strcmp(way, "exit-in-listener") == 0 && !isExiting.exchange(true)) {
            std::exit(7);
        }
        std::lock_guard<std::mutex> lock(mutex);
        ++received;
        changed.notify_all();
        return CommitMessage;
    }
};

class Ignore : public SendCallbackONS {};

// With "shutdown-in-destructor": the program does shut down, but as late as that.
struct ShutsDown {
    PushConsumer *consumer;
    ~ShutsDown() {
        if (consumer != nullptr) {
            consumer->shutdown();
        }
    }
};
static ShutsDown shutsDown = {nullptr};

// Lives until the static destructors run, as in programs that keep their clients in globals.
static Listener listener;
static Ignore ignore;

int main(int argc, char **argv) {
    way = argc > 1 ? argv[1] : "return";
    ONSFactoryProperty settings;
    settings.setFactoryProperty(ONSFactoryProperty::GroupId, "GID_end");
    Producer *producer = ONSFactory::getInstance()->createProducer(settings);
    PushConsumer *consumer = ONSFactory::getInstance()->createPushConsumer(settings);
    if (std::strcmp(way, "never-started") == 0) {
        return 7;
    }
    consumer->subscribe("topic", "*", &listener);
    producer->start();
    consumer->start();
    if (std::strcmp(way, "shutdown-in-destructor") == 0) {
        shutsDown.consumer = consumer;
    }
    std::thread sending([producer] {
        for (;;) {
            Message message("topic", "tag", "body");
            try {
                producer->sendAsync(message, &ignore);
                producer->send(message);
            } catch (const ONSClientException &) {
                return;
            }
        }
    });
    sending.detach();
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [] { return received >= 100; });
    lock.unlock();
    if (std::strcmp(way, "exit") == 0) {
        std::exit(7);
    }
    if (std::strcmp(way, "quick-exit") == 0) {
        std::quick_exit(7);
    }
    return 7;
}
