using System;
using System.Threading;
using System.Threading.Tasks;
using Ons;

namespace Bench
{
    /// <summary>Managed bytes of the whole process for each message, the message object included, its body not.</summary>
    internal static class AllocationRows
    {
        private const int Count = 200_000;

        /// <summary>Sends of one caller with many under way: few are done at once.</summary>
        public static async Task<double> PerSend(BenchBroker broker)
        {
            await using Producer producer = broker.StartProducer();
            await PipelinedRow.SendFor(producer, TimeSpan.FromTicks(Program.Length.Ticks / 2));
            long before = GC.GetTotalAllocatedBytes(precise: true);
            long count = await PipelinedRow.SendFor(producer, TimeSpan.FromTicks(Program.Length.Ticks / 2));
            return (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / count;
        }

        /// <summary>A backlog consumed on the usual threads.</summary>
        public static async Task<double> PerDelivery(BenchBroker broker)
        {
            byte[] body = new byte[1024];
            await using Producer producer = broker.StartProducer();
            for (int i = 0; i < Count; i++)
            {
                producer.SendOneway(new Message(BenchBroker.Topic, BenchBroker.Tag, body));
            }

            int consumed = 0;
            long first = 0;
            var all = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            await using PushConsumer consumer = broker.StartConsumer(_ =>
            {
                // The first tenth makes the threads and what they keep.
                switch (Interlocked.Increment(ref consumed))
                {
                    case Count / 10:
                        first = GC.GetTotalAllocatedBytes(precise: true);
                        break;
                    case Count:
                        all.SetResult(GC.GetTotalAllocatedBytes(precise: true));
                        break;
                }

                return ConsumeAction.CommitMessage;
            });
            return ((double)(await all.Task - first) / (Count - (Count / 10))) - body.Length;
        }
    }
}
