// What a PullConsumer's pull returns.
#ifndef ONS_CPP_PULLRESULTONS_H
#define ONS_CPP_PULLRESULTONS_H

#include <vector>

#include "Message.h"
#include "ONSClient.h"

namespace ons {

enum ONSPullStatus { ONS_FOUND, ONS_NO_NEW_MSG, ONS_NO_MATCHED_MSG, ONS_OFFSET_ILLEGAL, ONS_BROKER_TIMEOUT };

class ONSCLIENT_API PullResultONS {
public:
    explicit PullResultONS(ONSPullStatus status)
        : pullStatus(status), nextBeginOffset(0), minOffset(0), maxOffset(0) {}
    PullResultONS(ONSPullStatus status, long long next, long long min, long long max)
        : pullStatus(status), nextBeginOffset(next), minOffset(min), maxOffset(max) {}
    virtual ~PullResultONS() {}
    PullResultONS(const PullResultONS &) = default;
    PullResultONS &operator=(const PullResultONS &) = default;

    ONSPullStatus pullStatus;
    long long nextBeginOffset;
    long long minOffset;
    long long maxOffset;
    std::vector<Message> msgFoundList;
};

} // namespace ons

#endif
