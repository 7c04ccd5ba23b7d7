// The outcome of a local transaction. `Unknow` is spelt as the SDK spells it.
#ifndef ONS_CPP_TRANSACTIONSTATUS_H
#define ONS_CPP_TRANSACTIONSTATUS_H

namespace ons {
enum TransactionStatus { CommitTransaction = 0, RollbackTransaction = 1, Unknow = 2 };
} // namespace ons

#endif
