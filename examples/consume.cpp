// Receives 10 messages from the broker in this process, as examples/send.* left them.
// Build after `make`: g++ -Ibindings/cpp/include -Iinclude examples/consume.cpp -Lbuild/lib -lonsclient4cpp
#include <condition_variable>
#include <iostream>
#include <mutex>

#include "ONSFactory.h"

using namespace ons;

class PrintingListener : public MessageListener {
public:
    Action consume(Message &message, ConsumeContext &) override {
        std::lock_guard<std::mutex> lock(mutex_); // several threads call this at once
        if (received_ == 10) {
            return ReconsumeLater; // more than this program asked for: leave it for the next
        }
        std::cout << "received " << message.getMsgBody() << std::endl;
        ++received_;
        changed_.notify_one();
        return CommitMessage;
    }

    void waitForTen() {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return received_ == 10; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int received_ = 0;
};

int main() {
    try {
        ONSFactoryProperty factoryInfo;
        factoryInfo.setFactoryProperty(ONSFactoryProperty::ConsumerId, "GID_example");
        PushConsumer *consumer = ONSFactory::getInstance()->createPushConsumer(factoryInfo);
        PrintingListener listener;
        consumer->subscribe("greetings", "*", &listener);
        consumer->start();
        listener.waitForTen();
        consumer->shutdown();
        return 0;
    } catch (const ONSClientException &e) {
        std::cerr << e.what() << std::endl;
        return 1;
    }
}
