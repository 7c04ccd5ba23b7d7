// Told the outcome of Producer::sendAsync: exactly one of the two methods, exactly once.
#ifndef ONS_CPP_ONSCALLBACK_H
#define ONS_CPP_ONSCALLBACK_H

#include "ONSClientException.h"
#include "SendResultONS.h"

namespace ons {

// Owned by the program, which keeps it alive until one of its methods ran. They run on a thread of the
// library (onException on the calling thread when the message could not even be handed over) and must not
// shut the producer down. What they throw is dropped.
//
// Once exit() destroys static objects, nothing is told any more, as the callback may be gone. A destructor
// that counted its callbacks would then wait for ever: in a destructor, wait for them through the producer's
// shutdown() and in no other way, and take what was not told by then as unknown.
class ONSCLIENT_API SendCallbackONS {
public:
    virtual ~SendCallbackONS() {}
    virtual void onSuccess(SendResultONS &sendResult) { (void)sendResult; }
    virtual void onException(ONSClientException &e) { (void)e; }
};

} // namespace ons

#endif
