using System;
using System.IO;
using ons;

namespace ManagedONS.Tests
{
    /// <summary>A scratch directory for one test's broker and log.</summary>
    internal sealed class TestDirectory : IDisposable
    {
        public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ons-test-");

        public TestDirectory() => Ons.Log.SetFile(Path, 1 << 20, 1);

        public string Path => _directory.FullName;

        public string Address => "embedded:" + Path + "/data";

        public ONSFactoryProperty Property()
        {
            var property = new ONSFactoryProperty();
            property.setFactoryProperty(property.ProducerId, "PID_test");
            property.setFactoryProperty(property.ConsumerId, "CID_test");
            property.setFactoryProperty(property.ONSAddr, Address);
            return property;
        }

        public Producer StartProducer()
        {
            Producer producer = new ONSFactory().getInstance().createProducer(Property());
            producer.start();
            return producer;
        }

        public PushConsumer StartConsumer(MessageListener listener)
        {
            PushConsumer consumer = new ONSFactory().getInstance().createPushConsumer(Property());
            consumer.subscribe("test", "*", listener);
            consumer.start();
            return consumer;
        }

        public void Dispose() => _directory.Delete(recursive: true);
    }
}
