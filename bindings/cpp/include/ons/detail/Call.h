// Private. Turns a failed C call into an ONSClientException.
#ifndef ONS_CPP_DETAIL_CALL_H
#define ONS_CPP_DETAIL_CALL_H

#include <cstring>
#include <string>

#include "ONSClientException.h"

namespace ons {
namespace detail {

// The code programs know from the historical SDK: a call that was wrong in itself.
enum { WRONG_CALL = -1 };

inline ONSClientException exceptionOf(ons_status status, const ons_error *error) {
    const char *message = "";
    size_t length = 0;
    int32_t retriable = 0;
    int32_t fatal = 0;
    ons_stored stored = ONS_STORED_NO;
    if (error != nullptr) {
        ons_error_status(error, &status);
        ons_error_message(error, &message, &length);
        ons_error_is_retriable(error, &retriable);
        ons_error_is_fatal(error, &fatal);
        ons_error_stored(error, &stored);
    }
    const bool wrong = status == ONS_NULL_ARGUMENT || status == ONS_INVALID_ARGUMENT;
    return ONSClientException(std::string(message, length), wrong ? WRONG_CALL : static_cast<int>(status),
                              retriable != 0, fatal != 0, stored);
}

// Receives the error of one C call:  Call call; call.check(ons_x(..., call.error()));
class Call {
public:
    Call() : error_(nullptr) {}
    ~Call() { ons_error_free(error_); }
    Call(const Call &) = delete;
    Call &operator=(const Call &) = delete;

    ons_error **error() { return &error_; }
    bool failed(ons_status status) const { return status != ONS_OK; }
    void check(ons_status status) const {
        if (failed(status)) {
            throw exceptionOf(status, error_);
        }
    }
    ONSClientException exception(ons_status status) const { return exceptionOf(status, error_); }

private:
    ons_error *error_;
};

// A C string has no length to give to the library, so NULL has to be told apart here.
inline const char *required(const char *text, const char *what) {
    if (text == nullptr) {
        throw ONSClientException(std::string(what) + " is NULL", WRONG_CALL);
    }
    return text;
}

inline const char *orEmpty(const char *text) { return text == nullptr ? "" : text; }

// Pointer and length, the way texts and bodies go into the library.
struct Piece {
    Piece(const char *text) : data(orEmpty(text)), size(std::strlen(data)) {}
    Piece(const std::string &text) : data(text.data()), size(text.size()) {}
    Piece(const char *start, size_t length) : data(length == 0 ? "" : start), size(length) {}
    const char *data;
    size_t size;
};

inline Piece nonEmpty(const char *start, size_t length, const char *what) {
    required(start, what);
    if (length == 0) {
        throw ONSClientException(std::string(what) + " is empty", WRONG_CALL);
    }
    return Piece(start, length);
}

} // namespace detail
} // namespace ons

#endif
