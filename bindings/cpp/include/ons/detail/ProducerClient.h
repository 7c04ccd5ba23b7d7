// Private. Producer over ons_producer.
#ifndef ONS_CPP_DETAIL_PRODUCERCLIENT_H
#define ONS_CPP_DETAIL_PRODUCERCLIENT_H

#include <string>

#include "Producer.h"
#include "ons/detail/Client.h"
#include "ons/detail/MessageAccess.h"

namespace ons {
namespace detail {

inline SendResultONS sendResultOf(const ons_send_result *result) {
    const char *id = nullptr;
    size_t length = 0;
    Call call;
    call.check(ons_send_result_message_id(result, &id, &length, call.error()));
    SendResultONS converted;
    converted.setMessageId(std::string(id, length));
    return converted;
}

// No C++ exception may enter the library: what a callback throws ends here.
extern "C" inline void ons_cpp_on_send(void *user_data, const ons_send_result *result,
                                       const ons_error *error) {
    SendCallbackONS *callback = static_cast<SendCallbackONS *>(user_data);
    const Ending::Entry entry;
    if (!entry.isOpen()) {
        return;
    }
    try {
        if (result != nullptr) {
            SendResultONS converted = sendResultOf(result);
            callback->onSuccess(converted);
        } else {
            ONSClientException exception = exceptionOf(ONS_BROKER, error);
            callback->onException(exception);
        }
    } catch (...) {
    }
}

class ProducerClient : public Producer, private Client {
public:
    explicit ProducerClient(const ONSFactoryProperty &property) : raw_(nullptr) {
        Call call;
        call.check(ons_producer_new(FactoryPropertyAccess::raw(property), &raw_, call.error()));
    }
    ~ProducerClient() override { ons_producer_free(raw_); }

    void start() override {
        Call call;
        call.check(ons_producer_start(raw_, call.error()));
    }

    void shutdown() override {
        Call call;
        call.check(ons_producer_shutdown(raw_, call.error()));
    }

    SendResultONS send(Message &msg) override {
        Result result;
        Call call;
        call.check(ons_producer_send(raw_, MessageAccess::forSending(msg), &result.raw, call.error()));
        return sendResultOf(result.raw);
    }

    SendResultONS send(Message &, const MessageQueueONS &mq) override {
        throw ONSClientException("sending to a chosen queue (queue " + std::to_string(mq.getQueueId()) +
                                     " of topic " + mq.getTopic() + ") is not supported yet",
                                 ONS_NOT_SUPPORTED);
    }

    void sendAsync(Message &msg, SendCallbackONS *callback) override {
        if (callback == nullptr) {
            throw ONSClientException("the callback of sendAsync is NULL", WRONG_CALL);
        }
        Ending::instance().watchCallback(callback);
        Call call;
        const ons_status status =
            ons_producer_send_async(raw_, MessageAccess::forSending(msg), ons_cpp_on_send, callback, nullptr,
                                    nullptr, nullptr, call.error());
        if (call.failed(status)) {
            tell(callback, call.exception(status));
        }
    }

    void sendOneway(Message &msg) override {
        Call call;
        call.check(ons_producer_send_oneway(raw_, MessageAccess::forSending(msg), call.error()));
    }

    bool isStarted() const override {
        int32_t is = 0;
        Call call;
        call.check(ons_producer_is_started(raw_, &is, call.error()));
        return is != 0;
    }

    bool isClosed() const override {
        int32_t is = 0;
        Call call;
        call.check(ons_producer_is_closed(raw_, &is, call.error()));
        return is != 0;
    }

private:
    struct Result {
        Result() : raw(nullptr) {}
        ~Result() { ons_send_result_free(raw); }
        Result(const Result &) = delete;
        Result &operator=(const Result &) = delete;
        ons_send_result *raw;
    };

    // A message that could not be handed over. An onException that sends again, and fails again at once,
    // would call itself without end: the inner sendAsync throws instead.
    static void tell(SendCallbackONS *callback, ONSClientException exception) {
        static thread_local bool isTelling = false;
        if (isTelling) {
            throw exception;
        }
        isTelling = true;
        try {
            callback->onException(exception);
        } catch (...) {
        }
        isTelling = false;
    }

    ons_producer *raw_;
};

} // namespace detail
} // namespace ons

#endif
