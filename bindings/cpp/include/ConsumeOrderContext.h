// Handed to a MessageOrderListener beside the message; empty in every version of the SDK.
#ifndef ONS_CPP_CONSUMEORDERCONTEXT_H
#define ONS_CPP_CONSUMEORDERCONTEXT_H

#include "ONSClient.h"

namespace ons {

class ONSCLIENT_API ConsumeOrderContext {
public:
    ConsumeOrderContext() {}
    virtual ~ConsumeOrderContext() {}
};

} // namespace ons

#endif
