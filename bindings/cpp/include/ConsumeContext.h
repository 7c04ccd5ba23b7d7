// Handed to a MessageListener beside the message; empty in every version of the SDK.
#ifndef ONS_CPP_CONSUMECONTEXT_H
#define ONS_CPP_CONSUMECONTEXT_H

#include "ONSClient.h"

namespace ons {

class ONSCLIENT_API ConsumeContext {
public:
    ConsumeContext() {}
    virtual ~ConsumeContext() {}
};

} // namespace ons

#endif
