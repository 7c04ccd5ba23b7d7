// The name of one queue of a topic: a plain value.
#ifndef ONS_CPP_MESSAGEQUEUEONS_H
#define ONS_CPP_MESSAGEQUEUEONS_H

#include <string>

#include "ONSClient.h"

namespace ons {

class ONSCLIENT_API MessageQueueONS {
public:
    MessageQueueONS() : queueId_(-1) {}
    MessageQueueONS(const std::string &topic, const std::string &brokerName, int queueId)
        : topic_(topic), brokerName_(brokerName), queueId_(queueId) {}
    virtual ~MessageQueueONS() {}
    MessageQueueONS(const MessageQueueONS &) = default;
    MessageQueueONS &operator=(const MessageQueueONS &) = default;

    std::string getTopic() const { return topic_; }
    void setTopic(const std::string &topic) { topic_ = topic; }
    std::string getBrokerName() const { return brokerName_; }
    void setBrokerName(const std::string &brokerName) { brokerName_ = brokerName; }
    int getQueueId() const { return queueId_; }
    void setQueueId(int queueId) { queueId_ = queueId; }

    // Topic, then broker, then queue id; negative, zero or positive.
    int compareTo(const MessageQueueONS &mq) const {
        int order = topic_.compare(mq.topic_);
        if (order == 0) {
            order = brokerName_.compare(mq.brokerName_);
        }
        if (order == 0 && queueId_ != mq.queueId_) {
            order = queueId_ < mq.queueId_ ? -1 : 1;
        }
        return order;
    }
    bool operator==(const MessageQueueONS &mq) const { return compareTo(mq) == 0; }
    bool operator<(const MessageQueueONS &mq) const { return compareTo(mq) < 0; }

private:
    std::string topic_;
    std::string brokerName_;
    int queueId_;
};

} // namespace ons

#endif
