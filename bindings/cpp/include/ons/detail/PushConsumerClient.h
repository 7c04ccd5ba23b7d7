// Private. PushConsumer over ons_push_consumer.
#ifndef ONS_CPP_DETAIL_PUSHCONSUMERCLIENT_H
#define ONS_CPP_DETAIL_PUSHCONSUMERCLIENT_H

#include <atomic>
#include <memory>

#include "PushConsumer.h"
#include "ons/detail/Client.h"
#include "ons/detail/MessageAccess.h"

namespace ons {
namespace detail {

// What the library calls a listener with. The flag is shared, as a listener that does not return in time
// outlives its consumer.
struct Subscription {
    MessageListener *listener;
    std::shared_ptr<const std::atomic<bool>> isShutDown;
};

extern "C" inline void ons_cpp_end_subscription(void *user_data) {
    delete static_cast<Subscription *>(user_data);
}

// No C++ exception may enter the library: a listener that throws did not consume its message.
extern "C" inline ons_action ons_cpp_on_message(void *user_data, ons_message *message) {
    const Subscription &subscription = *static_cast<const Subscription *>(user_data);
    const Ending::Entry entry(*subscription.isShutDown);
    if (!entry.isOpen()) {
        return ONS_LEAVE_MESSAGE;
    }
    try {
        if (MessageAccess::consume(*subscription.listener, message) == CommitMessage) {
            return ONS_COMMIT_MESSAGE;
        }
    } catch (...) {
    }
    return ONS_RECONSUME_LATER;
}

class PushConsumerClient : public PushConsumer, private Client {
public:
    explicit PushConsumerClient(const ONSFactoryProperty &property)
        : raw_(nullptr), isShutDown_(std::make_shared<std::atomic<bool>>(false)) {
        Call call;
        call.check(ons_push_consumer_new(FactoryPropertyAccess::raw(property), &raw_, call.error()));
    }
    ~PushConsumerClient() override {
        Ending::instance().release(*isShutDown_);
        ons_push_consumer_free(raw_);
    }

    void start() override {
        Call call;
        call.check(ons_push_consumer_start(raw_, call.error()));
    }

    void shutdown() override {
        // Before the call, which waits for the listeners.
        Ending::instance().release(*isShutDown_);
        Call call;
        const ons_status status = ons_push_consumer_shutdown(raw_, call.error());
        if (call.failed(status)) {
            // Refused, as from inside a listener: the consumer goes on.
            isShutDown_->store(false);
        }
        call.check(status);
    }

    void subscribe(const char *topic, const char *subExpression, MessageListener *listener) override {
        const Piece name =
            nonEmpty(topic, topic == nullptr ? 0 : std::strlen(topic), "the topic to subscribe");
        const Piece expression(required(subExpression, "the subscription's expression"));
        if (listener == nullptr) {
            throw ONSClientException(std::string("the listener of topic ") + topic + " is NULL", WRONG_CALL);
        }
        Ending::instance().watchListener(listener);
        // The library ends it, also when the call fails.
        Subscription *const subscription = new Subscription{listener, isShutDown_};
        Call call;
        call.check(ons_push_consumer_subscribe(raw_, name.data, name.size, expression.data, expression.size,
                                               ons_cpp_on_message, subscription, ons_cpp_end_subscription,
                                               call.error()));
    }

    void unsubscribe(const char *topic) override {
        const Piece name(required(topic, "the topic to unsubscribe"));
        Call call;
        call.check(ons_push_consumer_unsubscribe(raw_, name.data, name.size, call.error()));
    }

    bool isStarted() const override {
        int32_t is = 0;
        Call call;
        call.check(ons_push_consumer_is_started(raw_, &is, call.error()));
        return is != 0;
    }

    bool isClosed() const override {
        int32_t is = 0;
        Call call;
        call.check(ons_push_consumer_is_closed(raw_, &is, call.error()));
        return is != 0;
    }

private:
    ons_push_consumer *raw_;
    const std::shared_ptr<std::atomic<bool>> isShutDown_;
};

} // namespace detail
} // namespace ons

#endif
