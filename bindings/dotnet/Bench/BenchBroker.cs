using System;
using System.IO;
using Ons;

namespace Bench
{
    /// <summary>A fresh directory for one row, and clients of the broker in it.</summary>
    internal sealed class BenchBroker : IDisposable
    {
        public const string Topic = "bench";
        public const string Tag = "A";

        private readonly string _directory;
        private readonly string _flush;

        public BenchBroker(string directory, string row, string flush)
        {
            _directory = Path.Combine(Path.GetFullPath(directory), row);
            _flush = flush;
            Clear();
        }

        public Producer StartProducer()
        {
            using FactoryProperty property = Property();
            property[FactoryPropertyKeys.ProducerId] = "PID_bench";
            var producer = new Producer(property);
            producer.Start();
            producer.Send(new Message(Topic, Tag, new byte[] { 1 }));
            return producer;
        }

        public PushConsumer StartConsumer(MessageListener listener, int? threads = null)
        {
            using FactoryProperty property = Property();
            property[FactoryPropertyKeys.ConsumerId] = "CID_bench";
            if (threads is { } number)
            {
                property[FactoryPropertyKeys.ConsumeThreadNums] = number.ToString(System.Globalization.CultureInfo.InvariantCulture);
            }

            var consumer = new PushConsumer(property);
            consumer.Subscribe(Topic, "*", listener);
            consumer.Start();
            return consumer;
        }

        public void Dispose() => Clear();

        private FactoryProperty Property() => new()
        {
            [FactoryPropertyKeys.ONSAddr] = "embedded:" + Path.Combine(_directory, "data"),
            ["FlushDiskType"] = _flush,
            [FactoryPropertyKeys.LogPath] = Path.Combine(_directory, "log"),
        };

        private void Clear()
        {
            if (Directory.Exists(_directory))
            {
                Directory.Delete(_directory, recursive: true);
            }
        }
    }
}
