using System;

namespace Ons.Native
{
    /// <summary>What a subscription hands to the library as user data: the listener, and whom to tell when it fails.</summary>
    internal sealed unsafe class Subscription(MessageListener listener, WeakReference<PushConsumer> consumer)
    {
        private readonly ReceivedMessage _received = new();

        public ons_action Deliver(ons_message* source)
        {
            Message message = _received.Copy(source);
            try
            {
                // What is no ConsumeAction must not become an answer that only the library's own code gives.
                return listener(message) == ConsumeAction.CommitMessage ? ons_action.ONS_COMMIT_MESSAGE : ons_action.ONS_RECONSUME_LATER;
            }
            catch (Exception e)
            {
                // A running consumer cannot be collected, so the reference holds whenever somebody can listen.
                if (consumer.TryGetTarget(out PushConsumer? target) && target.ReportListenerException(message, e))
                {
                    return ons_action.ONS_RECONSUME_LATER;
                }

                throw;
            }
        }
    }
}
