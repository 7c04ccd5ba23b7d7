// Ends in the middle of everything, in the way argv[1] names, without shutting anything down. The process has
// to end by itself, with the exit code 7 it chose.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "ONSFactory.h"

using namespace ons;

static const char *way = "";
static bool is(const char *name) { return std::strcmp(way, name) == 0; }

// Never destroyed: main may still wait on them when another thread ends the program.
static std::mutex &mutex = *new std::mutex;
static std::condition_variable &changed = *new std::condition_variable;
static int received = 0;
static bool isHeld = false;

class Listener : public MessageListener {
public:
    Action consume(Message &, ConsumeContext &) override {
        // Two threads may not call exit() at once.
        static std::atomic<bool> isExiting(false);
        if (is("exit-in-listener") && !isExiting.exchange(true)) {
            std::exit(7);
        }
        std::unique_lock<std::mutex> lock(mutex);
        ++received;
        changed.notify_all();
        // With "fork": stays inside until the child has ended.
        changed.wait(lock, [] { return !isHeld; });
        return CommitMessage;
    }
};

class Ignore : public SendCallbackONS {};

// So long that many more messages come meanwhile.
static void sleepFor(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

// Function-local objects made after the clients, and hence destroyed before what the first client registered.
// What is called once its destructor began, or is destroyed while it is called, ends the program with 1.
class Late {
public:
    Late() : isGone_(false), inside_(0) {}
    ~Late() {
        isGone_ = true;
        if (inside_ != 0) {
            std::_Exit(1);
        }
        sleepFor(500);
    }
    void call() {
        ++inside_;
        if (isGone_) {
            std::_Exit(1);
        }
        std::this_thread::yield();
        --inside_;
    }

private:
    std::atomic<bool> isGone_;
    std::atomic<int> inside_;
};

class LateListener : public Listener {
public:
    static LateListener &instance() {
        static LateListener only;
        return only;
    }
    Action consume(Message &message, ConsumeContext &context) override {
        late_.call();
        return Listener::consume(message, context);
    }

private:
    Late late_;
};

class LateCallback : public SendCallbackONS {
public:
    static LateCallback &instance() {
        static LateCallback only;
        return only;
    }
    void onSuccess(SendResultONS &) override { late_.call(); }

private:
    Late late_;
};

// With "another-shuts-down": so slow that most messages are still to come when main() returns.
class SlowListener : public Listener {
public:
    Action consume(Message &message, ConsumeContext &context) override {
        sleepFor(5);
        return Listener::consume(message, context);
    }
};

class SlowCallback : public SendCallbackONS {
public:
    void onSuccess(SendResultONS &) override { sleepFor(1); }
};

// With "shutdown-in-destructor": the program does shut down, but as late as that. With "another-shuts-down"
// it shuts down its producer only.
struct ShutsDown {
    PushConsumer *consumer;
    Producer *producer;
    ~ShutsDown() {
        if (consumer != nullptr) {
            consumer->shutdown();
        }
        if (producer != nullptr) {
            producer->shutdown();
            sleepFor(500); // for what the consumer would give back
        }
    }
};
static ShutsDown shutsDown = {nullptr, nullptr};

// Lives until the static destructors run, as in programs that keep their clients in globals.
static Listener listener;
static SlowListener slowListener;
static Ignore ignore;
static SlowCallback slow;

// With "delete-consumer" and "delete-producer": what a program deletes as late as that.
static std::unique_ptr<PushConsumer> ownConsumer;
static std::unique_ptr<Producer> ownProducer;

// Destroyed before those: by then messages wait for the end that closed the gate to them.
struct Lingers {
    ~Lingers() {
        if (shutsDown.consumer != nullptr || shutsDown.producer != nullptr || ownConsumer || ownProducer) {
            sleepFor(200);
        }
    }
};
static Lingers lingers;

// The end of a child, in which no listener runs, takes no time.
static int forks() {
    const std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
    const pid_t child = fork();
    if (child == 0) {
        std::exit(7);
    }
    int status = 0;
    waitpid(child, &status, 0);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("the child took %.1f s\n", took.count());
    std::lock_guard<std::mutex> lock(mutex);
    isHeld = false;
    changed.notify_all();
    return took.count() < 1.5 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

// Many callbacks are still to come when main() returns.
static int leavesCallbacks(const ONSFactoryProperty &settings) {
    ONSFactoryProperty patient(settings);
    patient.setFactoryProperty(ONSFactoryProperty::SendMsgTimeoutMillis, "60000");
    ownProducer.reset(ONSFactory::getInstance()->createProducer(patient));
    ownProducer->start();
    for (int i = 0; i < 1000; ++i) {
        Message message("topic", "tag", "body");
        ownProducer->sendAsync(message, &slow);
    }
    return 7;
}

// The consumer has thousands of messages before it when main() returns.
static int leavesABacklog(Producer *producer, PushConsumer *consumer) {
    shutsDown.producer = producer;
    producer->start();
    Message message("topic", "tag", "body");
    for (int i = 0; i < 5000; ++i) {
        producer->sendAsync(message, &ignore);
    }
    producer->send(message);
    consumer->subscribe("topic", "*", &slowListener);
    consumer->start();
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [] { return received >= 100; });
    return 7;
}

int main(int argc, char **argv) {
    way = argc > 1 ? argv[1] : "return";
    ONSFactoryProperty settings;
    settings.setFactoryProperty(ONSFactoryProperty::GroupId, "GID_end");
    // Whatever is given back is a dead letter at once.
    settings.setFactoryProperty(ONSFactoryProperty::MaxReconsumeTimes, "0");
    Producer *producer = ONSFactory::getInstance()->createProducer(settings);
    PushConsumer *consumer = ONSFactory::getInstance()->createPushConsumer(settings);
    if (is("never-started")) {
        return 7;
    }
    if (is("delete-producer")) {
        return leavesCallbacks(settings);
    }
    if (is("another-shuts-down")) {
        return leavesABacklog(producer, consumer);
    }
    isHeld = is("fork");
    Listener *const listens = is("late-listener") ? &LateListener::instance() : &listener;
    SendCallbackONS *const called =
        is("late-callback") ? static_cast<SendCallbackONS *>(&LateCallback::instance()) : &ignore;
    consumer->subscribe("topic", "*", listens);
    producer->start();
    consumer->start();
    if (is("shutdown-in-destructor")) {
        shutsDown.consumer = consumer;
    }
    if (is("delete-consumer")) {
        ownConsumer.reset(consumer);
    }
    std::thread sending([producer, called] {
        for (;;) {
            Message message("topic", "tag", "body");
            try {
                producer->sendAsync(message, called);
                producer->send(message);
            } catch (const ONSClientException &) {
                return;
            }
        }
    });
    sending.detach();
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [] { return received >= (isHeld ? 1 : 100); });
    lock.unlock();
    if (is("fork")) {
        return forks();
    }
    if (is("exit")) {
        std::exit(7);
    }
    if (is("quick-exit")) {
        std::quick_exit(7);
    }
    return 7;
}
