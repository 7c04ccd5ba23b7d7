using System;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against a cancellation that loses a message, or a wait that cannot be ended.</summary>
    public class CancellationTests
    {
        [Fact]
        public async Task A_cancelled_token_sends_nothing()
        {
            using var broker = new TestBroker();
            await using Producer producer = broker.StartProducer();
            using var source = new CancellationTokenSource();
            await source.CancelAsync();

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => producer.SendAsync(new Message("test", "a", "body"), source.Token));

            Assert.Equal(0, broker.Broker.MessagesAppended);
        }

        [Fact]
        public async Task Cancelling_ends_the_wait_and_not_the_send()
        {
            const int Count = 200;
            using var broker = new TestBroker();
            Producer producer = broker.StartProducer();
            using var source = new CancellationTokenSource();
            var sending = new Task<SendResult>[Count];
            for (int i = 0; i < Count; i++)
            {
                sending[i] = producer.SendAsync(new Message("test", "a", "body"), source.Token);
            }

            await source.CancelAsync();
            int stored = 0;
            foreach (Task<SendResult> one in sending)
            {
                try
                {
                    await one;
                    stored++;
                }
                catch (OperationCanceledException e)
                {
                    Assert.Equal(source.Token, e.CancellationToken);
                }
            }

            // However many waits were cut short, every message is there once the producer has ended.
            producer.Dispose();
            Assert.InRange(stored, 0, Count);
            Assert.Equal(Count, broker.Broker.MessagesAppended);
        }
    }
}
