// What a send returns: coming back without an exception is the success, the id names the message.
#ifndef ONS_CPP_SENDRESULTONS_H
#define ONS_CPP_SENDRESULTONS_H

#include <string>

#include "ONSClient.h"

namespace ons {

class ONSCLIENT_API SendResultONS {
public:
    SendResultONS() {}
    virtual ~SendResultONS() {}
    SendResultONS(const SendResultONS &) = default;
    SendResultONS &operator=(const SendResultONS &) = default;

    void setMessageId(const std::string &msgId) { messageId_ = msgId; }
    const char *getMessageId() const { return messageId_.c_str(); }

private:
    std::string messageId_;
};

} // namespace ons

#endif
