// Private. What the clients may do with a Message and a program may not.
#ifndef ONS_CPP_DETAIL_MESSAGEACCESS_H
#define ONS_CPP_DETAIL_MESSAGEACCESS_H

#include "Action.h"
#include "ConsumeContext.h"
#include "Message.h"
#include "MessageListener.h"

namespace ons {
namespace detail {

struct MessageAccess {
    // The handle, for a call that sets the message id.
    static ons_message *forSending(Message &message) {
        message.texts_.forget("is");
        return message.handle_.get();
    }

    static Action consume(MessageListener &listener, ons_message *lent) {
        Message message(lent, MessageHandle::Borrowed());
        ConsumeContext context;
        return listener.consume(message, context);
    }
};

} // namespace detail
} // namespace ons

#endif
