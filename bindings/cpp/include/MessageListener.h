// The program's side of a PushConsumer.
#ifndef ONS_CPP_MESSAGELISTENER_H
#define ONS_CPP_MESSAGELISTENER_H

#include "Action.h"
#include "ConsumeContext.h"
#include "Message.h"

namespace ons {

// Owned by the program, which keeps it alive until the consumer is shut down, and until it has returned.
// Called on up to ConsumeThreadNums threads at once. The message is lent for the call: copy it to keep it. An
// exception counts as ReconsumeLater. The consumer cannot be shut down from in here.
class ONSCLIENT_API MessageListener {
public:
    MessageListener() {}
    virtual ~MessageListener() {}
    virtual Action consume(Message &message, ConsumeContext &context) = 0;
};

} // namespace ons

#endif
