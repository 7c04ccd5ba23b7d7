// Runs the local transaction of a transactional message.
#ifndef ONS_CPP_LOCALTRANSACTIONEXECUTER_H
#define ONS_CPP_LOCALTRANSACTIONEXECUTER_H

#include "Message.h"
#include "TransactionStatus.h"

namespace ons {

// Owned by the program.
class ONSCLIENT_API LocalTransactionExecuter {
public:
    LocalTransactionExecuter() {}
    virtual ~LocalTransactionExecuter() {}
    virtual TransactionStatus execute(Message &msg) = 0;
};

} // namespace ons

#endif
