namespace ons
{
    /// <summary>Makes clients. Settings that this version does not support are refused here.</summary>
    public class ONSFactoryAPI
    {
        /// <summary>Makes a producer.</summary>
        public Producer createProducer(ONSFactoryProperty factoryProperty)
        {
            Require.NotNull(factoryProperty, nameof(factoryProperty));
            try
            {
                return new Producer(new global::Ons.Producer(factoryProperty.Inner));
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>Makes a push consumer.</summary>
        public PushConsumer createPushConsumer(ONSFactoryProperty factoryProperty)
        {
            Require.NotNull(factoryProperty, nameof(factoryProperty));
            try
            {
                return new PushConsumer(new global::Ons.PushConsumer(factoryProperty.Inner));
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>Not in this version: throws.</summary>
        public OrderProducer createOrderProducer(ONSFactoryProperty factoryProperty) => throw NotSupported("ordered producer");

        /// <summary>Not in this version: throws.</summary>
        public OrderConsumer createOrderConsumer(ONSFactoryProperty factoryProperty) => throw NotSupported("ordered consumer");

        /// <summary>Not in this version: throws.</summary>
        public PullConsumer createPullConsumer(ONSFactoryProperty factoryProperty) => throw NotSupported("pull consumer");

        /// <summary>Not in this version: throws.</summary>
        public TransactionProducer createTransactionProducer(ONSFactoryProperty factoryProperty, LocalTransactionChecker checker) =>
            throw NotSupported("transactional producer");

        /// <summary>Not in this version: throws.</summary>
        public TransactionProducer createTransactionProducer(ONSFactoryProperty factoryProperty, ref LocalTransactionChecker checker) =>
            throw NotSupported("transactional producer");

        private static ONSClientException NotSupported(string client) =>
            new($"a {client} is not supported by this version of the library", (int)global::Ons.OnsStatus.NotSupported);
    }
}
