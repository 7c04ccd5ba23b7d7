using Ons;

namespace TestProgram
{
    /// <summary>The clients of the programs, on the directory given on the command line.</summary>
    internal sealed class Client
    {
        private readonly string _address;
        private readonly string _flush;

        public Client(string address, string flush = "ASYNC_FLUSH")
        {
            _address = address;
            _flush = flush;
        }

        public Producer StartProducer()
        {
            using FactoryProperty property = Property("ProducerId");
            // A retried send may store a message twice, and no outcome is a question of time.
            property["SendMsgRetryTimes"] = "0";
            property["SendMsgTimeoutMillis"] = "60000";
            var producer = new Producer(property);
            producer.Start();
            return producer;
        }

        public PushConsumer StartConsumer(string topic, MessageListener listener, string threads = "20")
        {
            using FactoryProperty property = Property("ConsumerId");
            property["ConsumeThreadNums"] = threads;
            var consumer = new PushConsumer(property);
            consumer.Subscribe(topic, "*", listener);
            consumer.Start();
            return consumer;
        }

        public EmbeddedBroker OpenBroker()
        {
            using var property = new FactoryProperty { ["FlushDiskType"] = _flush };
            return EmbeddedBroker.Open(_address["embedded:".Length..], property);
        }

        private FactoryProperty Property(string id) => new()
        {
            [id] = "GID_inside",
            ["ONSAddr"] = _address,
            ["FlushDiskType"] = _flush,
        };
    }
}
