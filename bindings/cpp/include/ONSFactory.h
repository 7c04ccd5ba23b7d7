// Makes producers and consumers; including this file brings in everything.
#ifndef ONS_CPP_ONSFACTORY_H
#define ONS_CPP_ONSFACTORY_H

#include "LocalTransactionChecker.h"
#include "MessageQueueSelectorONS.h"
#include "ONSChannel.h"
#include "ONSClientException.h"
#include "ONSFactoryProperty.h"
#include "OrderConsumer.h"
#include "OrderProducer.h"
#include "Producer.h"
#include "PullConsumer.h"
#include "PushConsumer.h"
#include "TransactionProducer.h"
#include "ons/detail/ProducerClient.h"
#include "ons/detail/PushConsumerClient.h"

namespace ons {

// The clients it makes belong to the factory; shut them down, there is no need to delete them. A closed one
// keeps about 10 KiB: a program that opens thousands may delete each after its shutdown. Every method throws
// ONSClientException, naming the setting that is wrong or not supported.
class ONSCLIENT_API ONSFactoryAPI {
public:
    ONSFactoryAPI() {}
    virtual ~ONSFactoryAPI() {}

    // ProducerId (or GroupId, which wins) may be left out: a default group then. Without an address: the
    // broker in this process, see README.md.
    virtual Producer *createProducer(ONSFactoryProperty factoryProperty) {
        return new detail::ProducerClient(factoryProperty);
    }
    // ConsumerId (or GroupId) is required.
    virtual PushConsumer *createPushConsumer(ONSFactoryProperty factoryProperty) {
        return new detail::PushConsumerClient(factoryProperty);
    }

    // Not supported yet; these throw saying so.
    virtual OrderProducer *createOrderProducer(ONSFactoryProperty) {
        throw notSupported("createOrderProducer: ordered messages");
    }
    virtual OrderConsumer *createOrderConsumer(ONSFactoryProperty) {
        throw notSupported("createOrderConsumer: ordered messages");
    }
    virtual TransactionProducer *createTransactionProducer(ONSFactoryProperty, LocalTransactionChecker *) {
        throw notSupported("createTransactionProducer: transactional messages");
    }
    virtual PullConsumer *createPullConsumer(ONSFactoryProperty) {
        throw notSupported("createPullConsumer: pull consumers");
    }

private:
    static ONSClientException notSupported(const char *what) {
        return ONSClientException(std::string(what) + " are not supported yet", ONS_NOT_SUPPORTED);
    }
};

class ONSCLIENT_API ONSFactory {
public:
    virtual ~ONSFactory() {}

    // One for the process, never destroyed; see detail::Client for the reason.
    static ONSFactoryAPI *getInstance() {
        static ONSFactoryAPI *const instance = new ONSFactoryAPI;
        return instance;
    }

private:
    ONSFactory() {}
};

} // namespace ons

#endif
