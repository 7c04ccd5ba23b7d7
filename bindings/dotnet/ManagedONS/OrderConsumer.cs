namespace ons
{
    /// <summary>A listener's verdict on an ordered message.</summary>
    public enum OrderAction
    {
        /// <summary>Done.</summary>
        Success = 0,

        /// <summary>Failed: the queue waits, then the same message comes again.</summary>
        Suspend = 1,
    }

    /// <summary>Reserved; carries nothing.</summary>
    public class ConsumeOrderContext
    {
    }

    /// <summary>Receives ordered messages.</summary>
    public abstract class MessageOrderListener
    {
        /// <summary>Called for one message of a queue at a time.</summary>
        public abstract OrderAction consume(Message message, ConsumeOrderContext context);
    }

    /// <summary>Receives ordered messages. This version makes none: see <see cref="ONSFactoryAPI.createOrderConsumer"/>.</summary>
    public abstract class OrderConsumer
    {
        private protected OrderConsumer()
        {
        }

        /// <summary>Starts it.</summary>
        public abstract void start();

        /// <summary>Ends it for good.</summary>
        public abstract void shutdown();

        /// <summary>Subscribes to a topic.</summary>
        public abstract void subscribe(string topic, string subExpression, MessageOrderListener listener);
    }
}
