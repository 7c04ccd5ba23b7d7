// Receives ordered messages. ONSFactory does not make one yet: createOrderConsumer throws saying so.
#ifndef ONS_CPP_ORDERCONSUMER_H
#define ONS_CPP_ORDERCONSUMER_H

#include "MessageOrderListener.h"

namespace ons {

class ONSCLIENT_API OrderConsumer {
public:
    OrderConsumer() {}
    virtual ~OrderConsumer() {}
    virtual void start() = 0;
    virtual void shutdown() = 0;
    virtual void subscribe(const char *topic, const char *subExpression, MessageOrderListener *listener) = 0;
};

} // namespace ons

#endif
