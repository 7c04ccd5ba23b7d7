namespace ons
{
    /// <summary>Receives messages. The library keeps a subscribed listener alive until the consumer is shut down.</summary>
    public abstract class MessageListener
    {
        /// <summary>
        /// Called for each message, on several threads at once. An exception counts as <see cref="Action.ReconsumeLater"/>.
        /// </summary>
        public abstract Action consume(Message message, ConsumeContext context);
    }
}
