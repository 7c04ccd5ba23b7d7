// Sends transactional messages. ONSFactory does not make one yet: createTransactionProducer throws saying so.
#ifndef ONS_CPP_TRANSACTIONPRODUCER_H
#define ONS_CPP_TRANSACTIONPRODUCER_H

#include "LocalTransactionExecuter.h"
#include "ONSClient.h"
#include "SendResultONS.h"

namespace ons {

class ONSCLIENT_API TransactionProducer {
public:
    TransactionProducer() {}
    virtual ~TransactionProducer() {}
    virtual void start() = 0;
    virtual void shutdown() = 0;
    virtual SendResultONS send(Message &msg, LocalTransactionExecuter *executer) = 0;
};

} // namespace ons

#endif
