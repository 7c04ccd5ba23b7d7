// The document's transaction sample, repaired where it is no C++ (public inheritance, missing semicolons and
// types): it compiles, and says at run time that transactions are not there yet.
#include "ONSFactory.h"
#include "ONSClientException.h"
using namespace ons;

class MyLocalTransactionExecuter : public LocalTransactionExecuter
{
public:
    virtual TransactionStatus execute(Message &value)
    {
        string msgId = value.getMsgID();
        TransactionStatus transactionStatus = Unknow;
        try {
            bool isCommit = !msgId.empty();
            if (isCommit) {
                transactionStatus = CommitTransaction;
            } else {
                transactionStatus = RollbackTransaction;
            }
        } catch (...) {
        }
        return transactionStatus ;
    }
};

class MyLocalTransactionChecker : public LocalTransactionChecker
{
public:
    virtual TransactionStatus check(Message &value)
    {
        string msgId = value.getMsgID();
        return msgId.empty() ? RollbackTransaction : CommitTransaction;
    }
};

int main()
{
    ONSFactoryProperty factoryInfo;
    factoryInfo.setFactoryProperty(ONSFactoryProperty::ProducerId, "PID_sample");
    MyLocalTransactionChecker checker;
    MyLocalTransactionExecuter executer;
    try {
        TransactionProducer *pProducer = ONSFactory::getInstance()->createTransactionProducer(factoryInfo, &checker);
        pProducer->start();
        Message msg("topic", "TagA", "body");
        SendResultONS sendResult = pProducer->send(msg, &executer);
    } catch (ONSClientException & e) {
        return e.GetError() == ONS_NOT_SUPPORTED ? 0 : 1;
    }
    return 1;
}
