// Asked for the outcome of a local transaction nobody reported.
#ifndef ONS_CPP_LOCALTRANSACTIONCHECKER_H
#define ONS_CPP_LOCALTRANSACTIONCHECKER_H

#include "Message.h"
#include "TransactionStatus.h"

namespace ons {

// Owned by the program.
class ONSCLIENT_API LocalTransactionChecker {
public:
    LocalTransactionChecker() {}
    virtual ~LocalTransactionChecker() {}
    virtual TransactionStatus check(Message &msg) = 0;
};

} // namespace ons

#endif
