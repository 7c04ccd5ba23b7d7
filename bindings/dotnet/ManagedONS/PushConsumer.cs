namespace ons
{
    /// <summary>Receives the messages of the topics it subscribed to, until it is shut down.</summary>
    public class PushConsumer
    {
        private static readonly ConsumeContext s_context = new();

        private readonly global::Ons.PushConsumer _consumer;

        internal PushConsumer(global::Ons.PushConsumer consumer) => _consumer = consumer;

        /// <summary>Begins to receive.</summary>
        public void start()
        {
            try
            {
                _consumer.Start();
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>
        /// Waits for running listeners, at most 30 s, and ends the consumer for good; a second call does nothing. One that has not
        /// returned by then is left behind, with a warning in the log; its message and those finished behind it come again.
        /// </summary>
        public void shutdown()
        {
            try
            {
                _consumer.Shutdown();
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>Subscribes to a topic; <paramref name="subExpression"/> is <c>*</c> or <c>TagA||TagB</c>.</summary>
        public void subscribe(string topic, string subExpression, MessageListener listener)
        {
            Require.NotEmpty(topic, nameof(topic));
            Require.NotNull(subExpression, nameof(subExpression));
            Require.NotNull(listener, nameof(listener));
            try
            {
                _consumer.Subscribe(
                    topic, subExpression, message => (global::Ons.ConsumeAction)listener.consume(new Message(message), s_context));
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>The same, as older programs write it.</summary>
        public void subscribe(string topic, string subExpression, ref MessageListener listener) =>
            subscribe(topic, subExpression, listener);

        /// <summary>Ends the subscription to a topic.</summary>
        public void unsubscribe(string topic)
        {
            try
            {
                _consumer.Unsubscribe(Require.NotEmpty(topic, nameof(topic)));
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }
    }
}
