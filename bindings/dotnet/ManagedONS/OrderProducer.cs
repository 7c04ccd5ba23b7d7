namespace ons
{
    /// <summary>Sends ordered messages. This version makes none: see <see cref="ONSFactoryAPI.createOrderProducer"/>.</summary>
    public abstract class OrderProducer
    {
        private protected OrderProducer()
        {
        }

        /// <summary>Starts it.</summary>
        public abstract void start();

        /// <summary>Ends it for good.</summary>
        public abstract void shutdown();

        /// <summary>Sends after every earlier message of the same sharding key.</summary>
        public abstract SendResultONS send(Message msg, string shardingKey);
    }
}
