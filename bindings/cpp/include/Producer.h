// Sends normal messages.
#ifndef ONS_CPP_PRODUCER_H
#define ONS_CPP_PRODUCER_H

#include "Message.h"
#include "MessageQueueONS.h"
#include "ONSCallback.h"
#include "ONSClientException.h"
#include "SendResultONS.h"

namespace ons {

// Made and owned by ONSFactory. After start() any number of threads may use it. Every method throws
// ONSClientException on failure.
class ONSCLIENT_API Producer {
public:
    Producer() {}
    virtual ~Producer() {}

    // Once, before the first send.
    virtual void start() = 0;

    // Waits for the asynchronous sends under way, their callbacks included. A second call does nothing; a
    // producer that was shut down cannot be started again.
    virtual void shutdown() = 0;

    // Returns when the message is stored as safely as FlushDiskType promises. The message's id is set.
    virtual SendResultONS send(Message &msg) = 0;

    // To a queue of the program's choice: not supported yet, throws saying so.
    virtual SendResultONS send(Message &msg, const MessageQueueONS &mq) = 0;

    // Returns at once; the callback is told the outcome. The message's id is set before the return and the
    // message may be changed or destroyed after it. Throws for a NULL callback only. While 131072 sends wait
    // for their callbacks (16384 of threads that share a part), the next waits for one, at most
    // SendMsgTimeoutMillis.
    virtual void sendAsync(Message &msg, SendCallbackONS *callback) = 0;

    // Returns at once and tells no outcome.
    virtual void sendOneway(Message &msg) = 0;

    // Beyond the historical SDK.
    virtual bool isStarted() const = 0;
    virtual bool isClosed() const = 0;

private:
    Producer(const Producer &);
    Producer &operator=(const Producer &);
};

} // namespace ons

#endif
