// Private. Owns, or borrows for the time of a listener call, one ons_message.
#ifndef ONS_CPP_DETAIL_MESSAGEHANDLE_H
#define ONS_CPP_DETAIL_MESSAGEHANDLE_H

#include <utility>

#include "ons/detail/Call.h"

namespace ons {
namespace detail {

class MessageHandle {
public:
    MessageHandle() : raw_(nullptr), isOwned_(true) {
        Call call;
        call.check(ons_message_new(&raw_, call.error()));
    }

    MessageHandle(Piece topic, Piece tag, Piece key, Piece body) : raw_(nullptr), isOwned_(true) {
        Call call;
        call.check(ons_message_new_with(topic.data, topic.size, tag.data, tag.size, key.data, key.size,
                                        reinterpret_cast<const uint8_t *>(body.data), body.size, &raw_,
                                        call.error()));
    }

    struct Borrowed {};
    MessageHandle(ons_message *lent, Borrowed) : raw_(lent), isOwned_(false) {}

    // Shares the body, but for a small one of a received message: see ons_message_clone.
    MessageHandle(const MessageHandle &other) : raw_(nullptr), isOwned_(true) {
        Call call;
        call.check(ons_message_clone(other.raw_, &raw_, call.error()));
    }

    MessageHandle &operator=(const MessageHandle &other) {
        if (this != &other) {
            MessageHandle copy(other);
            std::swap(raw_, copy.raw_);
            std::swap(isOwned_, copy.isOwned_);
        }
        return *this;
    }

    ~MessageHandle() {
        if (isOwned_) {
            ons_message_free(raw_);
        }
    }

    ons_message *get() const { return raw_; }

private:
    ons_message *raw_;
    bool isOwned_;
};

// The shapes the accessors of ons_message come in.
extern "C" {
typedef ons_status (*ons_cpp_get_text)(const ons_message *, const char **, size_t *, ons_error **);
typedef ons_status (*ons_cpp_set_text)(ons_message *, const char *, size_t, ons_error **);
typedef ons_status (*ons_cpp_get_int32)(const ons_message *, int32_t *, ons_error **);
typedef ons_status (*ons_cpp_set_int32)(ons_message *, int32_t, ons_error **);
typedef ons_status (*ons_cpp_get_int64)(const ons_message *, int64_t *, ons_error **);
typedef ons_status (*ons_cpp_set_int64)(ons_message *, int64_t, ons_error **);
typedef ons_status (*ons_cpp_get_count)(const ons_message *, size_t *, ons_error **);
typedef ons_status (*ons_cpp_get_named)(const ons_message *, const char *, size_t, const char **, size_t *,
                                        ons_error **);
typedef ons_status (*ons_cpp_set_named)(ons_message *, const char *, size_t, const char *, size_t,
                                        ons_error **);
typedef ons_status (*ons_cpp_get_at)(const ons_message *, size_t, const char **, size_t *, const char **,
                                     size_t *, ons_error **);
typedef ons_status (*ons_cpp_clear)(ons_message *, ons_error **);
}

} // namespace detail
} // namespace ons

#endif
