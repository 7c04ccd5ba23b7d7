// Sends ordered messages. ONSFactory does not make one yet: createOrderProducer throws saying so.
#ifndef ONS_CPP_ORDERPRODUCER_H
#define ONS_CPP_ORDERPRODUCER_H

#include <string>

#include "Message.h"
#include "SendResultONS.h"

namespace ons {

class ONSCLIENT_API OrderProducer {
public:
    OrderProducer() {}
    virtual ~OrderProducer() {}
    virtual void start() = 0;
    virtual void shutdown() = 0;
    virtual SendResultONS send(Message &msg, std::string shardingKey) = 0;
};

} // namespace ons

#endif
