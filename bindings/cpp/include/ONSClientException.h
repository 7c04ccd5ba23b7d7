// The one exception of the binding: it carries the library's full message.
#ifndef ONS_CPP_ONSCLIENTEXCEPTION_H
#define ONS_CPP_ONSCLIENTEXCEPTION_H

#include <exception>
#include <memory>
#include <string>

#include "ONSClient.h"

namespace ons {

class ONSCLIENT_API ONSClientException : public std::exception {
public:
    ONSClientException() noexcept
        : error_(-1), isRetriable_(false), isFatal_(false), stored_(ONS_STORED_NO) {}

    ONSClientException(std::string msg, int error) noexcept : ONSClientException() {
        text(std::move(msg));
        error_ = error;
    }

    // As the library reports a failure; see GetError for `error`.
    ONSClientException(std::string msg, int error, bool isRetriable, bool isFatal, ons_stored stored) noexcept
        : error_(error), isRetriable_(isRetriable), isFatal_(isFatal), stored_(stored) {
        text(std::move(msg));
    }

    ~ONSClientException() noexcept override {}

    const char *GetMsg() const noexcept { return msg_ ? msg_->c_str() : ""; }
    const char *what() const noexcept override { return GetMsg(); }

    // -1 for a call that was wrong in itself (a NULL or a value that is not allowed), as in every version of
    // the SDK; else the ons_status of ons.h, which is positive.
    int GetError() const noexcept { return error_; }

    // Beyond the historical SDK: whether the same call may succeed when repeated, whether the client is
    // beyond repair, and for a send what is known about the message.
    bool isRetriable() const noexcept { return isRetriable_; }
    bool isFatal() const noexcept { return isFatal_; }
    ons_stored stored() const noexcept { return stored_; }

private:
    // An exception must be copyable without throwing, hence the shared text; without memory it stays empty.
    void text(std::string &&msg) noexcept {
        try {
            msg_ = std::make_shared<const std::string>(std::move(msg));
        } catch (...) {
        }
    }

    std::shared_ptr<const std::string> msg_;
    int error_;
    bool isRetriable_;
    bool isFatal_;
    ons_stored stored_;
};

} // namespace ons

#endif
