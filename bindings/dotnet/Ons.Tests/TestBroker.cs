using System;
using System.IO;
using System.Threading;
using Xunit;

namespace Ons.Tests
{
    /// <summary>An embedded broker in a scratch directory, held open for one test.</summary>
    internal sealed class TestBroker : IDisposable
    {
        public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ons-test-");

        public TestBroker(bool isManualClock = false, string flush = "SYNC_FLUSH")
        {
            using var settings = new FactoryProperty { ["FlushDiskType"] = flush };
            string directory = Path.Combine(_directory.FullName, "data ü");
            Broker = isManualClock ? EmbeddedBroker.OpenWithManualClock(directory, settings) : EmbeddedBroker.Open(directory, settings);
            Address = "embedded:" + directory;
        }

        public EmbeddedBroker Broker { get; }

        public string Address { get; }

        public FactoryProperty Property(string group = "GID_test") => new()
        {
            ["GroupId"] = group,
            ["ONSAddr"] = Address,
        };

        public Producer StartProducer()
        {
            using FactoryProperty property = Property();
            var producer = new Producer(property);
            producer.Start();
            return producer;
        }

        public PushConsumer StartConsumer(MessageListener listener, string topic = "test", string expression = "*", string group = "GID_test")
        {
            using FactoryProperty property = Property(group);
            var consumer = new PushConsumer(property);
            consumer.Subscribe(topic, expression, listener);
            consumer.Start();
            return consumer;
        }

        /// <summary>Moves the manual clock on until something happened.</summary>
        public void AdvanceUntil(ManualResetEventSlim happened)
        {
            DateTime deadline = DateTime.UtcNow + Patience;
            do
            {
                Broker.AdvanceTime(TimeSpan.FromSeconds(10));
                Assert.True(DateTime.UtcNow < deadline, "it did not happen");
            }
            while (!happened.Wait(TimeSpan.FromMilliseconds(10)));
        }

        public void Dispose()
        {
            Broker.Dispose();
            _directory.Delete(recursive: true);
        }
    }
}
