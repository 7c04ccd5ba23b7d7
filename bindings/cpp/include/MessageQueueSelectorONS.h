// Chooses a queue for a message. No public method of the SDK takes one; kept for programs that derive from
// it.
#ifndef ONS_CPP_MESSAGEQUEUESELECTORONS_H
#define ONS_CPP_MESSAGEQUEUESELECTORONS_H

#include <vector>

#include "Message.h"
#include "MessageQueueONS.h"

namespace ons {

class ONSCLIENT_API MessageQueueSelectorONS {
public:
    virtual ~MessageQueueSelectorONS() {}
    virtual MessageQueueONS select(const std::vector<MessageQueueONS> &mqs, const Message &msg,
                                   void *arg) = 0;
};

} // namespace ons

#endif
