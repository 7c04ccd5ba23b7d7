// The program's side of an OrderConsumer: one message of a queue at a time.
#ifndef ONS_CPP_MESSAGEORDERLISTENER_H
#define ONS_CPP_MESSAGEORDERLISTENER_H

#include "ConsumeOrderContext.h"
#include "Message.h"
#include "OrderAction.h"

namespace ons {

class ONSCLIENT_API MessageOrderListener {
public:
    MessageOrderListener() {}
    virtual ~MessageOrderListener() {}
    virtual OrderAction consume(Message &message, ConsumeOrderContext &context) = 0;
};

} // namespace ons

#endif
