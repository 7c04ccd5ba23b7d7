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

    // Waits for the answers of asynchronous sends, at most SendMsgTimeoutMillis and a second, and then as
    // long as callbacks keep returning, at most 30 s. One that does not return is left behind, with a warning
    // in the log, and must still live. A second call does nothing; a producer that was shut down cannot be
    // started again.
    virtual void shutdown() = 0;

    // Returns when the message is stored as safely as FlushDiskType promises. The message's id is set.
    virtual SendResultONS send(Message &msg) = 0;

    // To a queue of the program's choice: not supported yet, throws saying so.
    virtual SendResultONS send(Message &msg, const MessageQueueONS &mq) = 0;

    // Does not wait until the message is stored; the callback is told the outcome. The message's id is set
    // before the return and the message may be changed or destroyed after it. Throws for a NULL callback
    // only. While the disk is behind (2 MiB wait to be written, 512 KiB in ASYNC_FLUSH) the caller makes
    // room: it writes them itself, or waits for the thread that does. While 131072 sends wait for their
    // callbacks (16384 of threads that share a part), it waits for one. Either wait lasts at most
    // SendMsgTimeoutMillis; onException then.
    virtual void sendAsync(Message &msg, SendCallbackONS *callback) = 0;

    // Does not wait until the message is stored, and tells no outcome. While the disk is behind the caller
    // makes room, as in sendAsync; throws if there is none within SendMsgTimeoutMillis.
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
