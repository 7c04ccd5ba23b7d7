// Receives normal messages through a listener.
#ifndef ONS_CPP_PUSHCONSUMER_H
#define ONS_CPP_PUSHCONSUMER_H

#include "MessageListener.h"
#include "ONSClientException.h"

namespace ons {

// Made and owned by ONSFactory. Every method throws ONSClientException on failure.
class ONSCLIENT_API PushConsumer {
public:
    PushConsumer() {}
    virtual ~PushConsumer() {}

    // Once; listeners are called from now on.
    virtual void start() = 0;

    // Waits for running listeners, at most 30 s, and stores what was consumed; no listener is called
    // afterwards. One that has not returned by then is left behind, with a warning in the log: it must live
    // as long as the process, and its message and those finished behind it come again. A second call does
    // nothing; a consumer that was shut down cannot be started again. Not from inside a listener.
    virtual void shutdown() = 0;

    // `subExpression`: "*" or "TagA||TagB". A second subscription of a topic replaces the first. The
    // listener stays the program's and must live until shutdown() returned.
    virtual void subscribe(const char *topic, const char *subExpression, MessageListener *listener) = 0;

    // Beyond the historical SDK.
    virtual void unsubscribe(const char *topic) = 0;
    virtual bool isStarted() const = 0;
    virtual bool isClosed() const = 0;

private:
    PushConsumer(const PushConsumer &);
    PushConsumer &operator=(const PushConsumer &);
};

} // namespace ons

#endif
