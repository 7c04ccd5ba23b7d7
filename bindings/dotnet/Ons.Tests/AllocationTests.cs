using System;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against sends and deliveries that make work for the collector.</summary>
    public class AllocationTests
    {
        private const int Count = 2_000;
        private const int BytesMax = 200;

        // The mark that goes along with a listener that awaits, and the execution context that carries it.
        private const int MarkBytesMax = 120;

        private static readonly byte[] s_body = new byte[256];

        [Fact]
        public void A_synchronous_send_allocates_little()
        {
            using var broker = new TestBroker(flush: "ASYNC_FLUSH");
            using Producer producer = broker.StartProducer();

            AssertAllocation(() => producer.Send(new Message("test", "tag", s_body)));
        }

        [Fact]
        public void An_asynchronous_send_allocates_little()
        {
            using var broker = new TestBroker(flush: "ASYNC_FLUSH");
            using Producer producer = broker.StartProducer();

            // Waiting for a task that is not done yet allocates too, but that is the caller's.
            long allocated = 0;
            for (int i = 0; i < 2 * Count; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                Task<SendResult> send = producer.SendAsync(new Message("test", "tag", s_body));
                allocated += i < Count ? 0 : GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.True(send.Wait(TestBroker.Patience));
            }

            Assert.InRange(allocated / Count, 1, BytesMax);
        }

        [Fact]
        public async Task Many_sends_under_way_allocate_little()
        {
            using var broker = new TestBroker(flush: "ASYNC_FLUSH");
            using Producer producer = broker.StartProducer();
            await SendMany(producer);

            // Everything, on whatever thread.
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await SendMany(producer);
            Assert.InRange((GC.GetTotalAllocatedBytes(precise: true) - before) / (10 * Count), 1, BytesMax);
        }

        [Fact]
        public void A_delivery_allocates_little() => AssertDeliveryAllocation((consumer, listener) => consumer.Subscribe("test", "*", listener), BytesMax);

        [Fact]
        public void A_delivery_to_an_awaiting_listener_allocates_little()
        {
            // What the task and its state machine take is the listener's own.
            Task<ConsumeAction> isCommitted = Task.FromResult(ConsumeAction.CommitMessage);
            AssertDeliveryAllocation((consumer, listener) => consumer.Subscribe("test", "*", message =>
            {
                listener(message);
                return isCommitted;
            }), BytesMax + MarkBytesMax);
        }

        private static void AssertDeliveryAllocation(Action<PushConsumer, MessageListener> subscribe, int bytesMax)
        {
            using var broker = new TestBroker(flush: "ASYNC_FLUSH");
            using Producer producer = broker.StartProducer();
            for (int i = 0; i < Count; i++)
            {
                producer.SendOneway(new Message("test", "tag", s_body));
            }

            using FactoryProperty property = broker.Property();
            property["ConsumeThreadNums"] = "1";
            using var consumer = new PushConsumer(property);
            using var all = new CountdownEvent(Count);
            long first = 0;
            long last = 0;
            subscribe(consumer, _ =>
            {
                last = GC.GetAllocatedBytesForCurrentThread();
                first = first == 0 ? last : first;
                all.Signal();
                return ConsumeAction.CommitMessage;
            });
            consumer.Start();

            Assert.True(all.Wait(TestBroker.Patience));
            consumer.Shutdown();
            Assert.InRange((last - first) / (Count - 1), s_body.Length, s_body.Length + bytesMax);
        }

        private static async Task SendMany(Producer producer)
        {
            var window = new Task<SendResult>?[256];
            for (int i = 0; i < 10 * Count; i++)
            {
                if (window[i % window.Length] is { } oldest)
                {
                    await oldest;
                }

                window[i % window.Length] = producer.SendAsync(new Message("test", "tag", s_body));
            }

            foreach (Task<SendResult>? last in window)
            {
                await last!;
            }
        }

        private static void AssertAllocation(Action send)
        {
            for (int i = 0; i < Count; i++)
            {
                send();
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Count; i++)
            {
                send();
            }

            Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / Count, 1, BytesMax);
        }
    }
}
