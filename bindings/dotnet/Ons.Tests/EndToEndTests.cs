using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against a message that arrives changed, twice, or not at all.</summary>
    public class EndToEndTests
    {
        [Fact]
        public void Every_part_of_a_message_arrives()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();
            DateTimeOffset before = DateTimeOffset.UtcNow.AddSeconds(-1);
            byte[] body = [0, 1, 0, 255, 0];
            var message = new Message("test", "标签", "键 🗝", body);
            message.SetProperty("城市", "杭州 " + new string('x', 1000));
            SendResult sent = producer.Send(message);

            Message received = ReceiveOne(broker);

            Assert.Equal("test", received.Topic);
            Assert.Equal("标签", received.Tag);
            Assert.Equal("键 🗝", received.Key);
            Assert.Equal(body, received.Body.ToArray());
            Assert.Equal("杭州 " + new string('x', 1000), received.GetProperty("城市"));
            Assert.Single(received.Properties);
            Assert.Null(received.GetProperty("missing"));
            Assert.Equal(sent.MessageId, received.MessageId);
            Assert.Equal(sent.MessageId, message.MessageId);
            Assert.Matches("^[0-9A-F]{32}$", sent.MessageId);
            Assert.Equal("test", sent.Topic);
            Assert.Equal(sent.QueueId, received.QueueId);
            Assert.Equal(sent.QueueOffset, received.QueueOffset);
            Assert.Equal(0, received.ReconsumeTimes);
            Assert.Null(received.StartDeliverTime);
            Assert.InRange(received.BornTimestamp, before, DateTimeOffset.UtcNow.AddSeconds(1));
            Assert.InRange(received.StoreTimestamp, before, DateTimeOffset.UtcNow.AddSeconds(1));
        }

        [Fact]
        public async Task An_asynchronous_send_gives_the_id_before_it_is_stored()
        {
            using var broker = new TestBroker();
            await using Producer producer = broker.StartProducer();
            var message = new Message("test", "a", "body");

            Task<SendResult> sending = producer.SendAsync(message);
            string id = message.MessageId;
            SendResult sent = await sending;

            Assert.Matches("^[0-9A-F]{32}$", id);
            Assert.Equal(id, sent.MessageId);
            Assert.Equal(id, ReceiveOne(broker).MessageId);
        }

        [Fact]
        public void A_oneway_message_arrives()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();
            var message = new Message("test", "a", "body");
            producer.SendOneway(message);

            Message received = ReceiveOne(broker);

            Assert.Equal("body", Encoding.UTF8.GetString(received.Body.Span));
            Assert.Equal(message.MessageId, received.MessageId);
        }

        [Fact]
        public void Tags_filter()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();
            foreach (string tag in new[] { "A", "B", "C", "A" })
            {
                producer.Send(new Message("test", tag, "body"));
            }

            var tags = new ConcurrentQueue<string>();
            using var all = new CountdownEvent(3);
            using PushConsumer consumer = broker.StartConsumer(
                message =>
                {
                    tags.Enqueue(message.Tag);
                    all.Signal();
                    return ConsumeAction.CommitMessage;
                },
                expression: "A || C");

            Assert.True(all.Wait(TestBroker.Patience));
            consumer.Shutdown();
            Assert.Equal(["A", "A", "C"], tags.Order());
        }

        [Theory]
        [InlineData("SYNC_FLUSH")]
        [InlineData("ASYNC_FLUSH")]
        public async Task Ten_thousand_pipelined_sends_arrive_once_each(string flush)
        {
            const int Count = 10_000;
            using var broker = new TestBroker(flush: flush);
            await using Producer producer = broker.StartProducer();
            Task<SendResult>[] sending =
                [.. Enumerable.Range(0, Count).Select(i => producer.SendAsync(new Message("test", BitConverter.GetBytes(i))))];
            SendResult[] sent = await Task.WhenAll(sending);

            Assert.Equal(Count, sent.Select(s => s.MessageId).Distinct().Count());
            Assert.Equal(Count, sent.Select(s => (s.QueueId, s.QueueOffset)).Distinct().Count());

            int[] seen = new int[Count];
            using var all = new CountdownEvent(Count);
            await using PushConsumer consumer = broker.StartConsumer(message =>
            {
                Interlocked.Increment(ref seen[BitConverter.ToInt32(message.Body.Span)]);
                all.Signal();
                return ConsumeAction.CommitMessage;
            });
            Assert.True(all.Wait(TestBroker.Patience));
            await consumer.DisposeAsync();
            Assert.All(seen, times => Assert.Equal(1, times));
            Assert.Equal(0, broker.Broker.Backlog("GID_test", "test"));
            Assert.Equal(Count, broker.Broker.MessagesAppended);
        }

        [Fact]
        public void One_producer_serves_many_threads()
        {
            const int Threads = 8;
            const int Each = 100;
            using var broker = new TestBroker(flush: "ASYNC_FLUSH");
            using Producer producer = broker.StartProducer();
            var ids = new ConcurrentBag<string>();
            Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
            {
                for (int i = 0; i < Each; i++)
                {
                    ids.Add(producer.Send(new Message("test", "a", "body")).MessageId);
                }
            }))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());

            Assert.Equal(Threads * Each, ids.Distinct().Count());
        }

        [Fact]
        public void A_received_message_can_be_kept_changed_and_sent_again()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();
            var original = new Message("test", "a", "body");
            original.SetProperty("name", "value");
            producer.Send(original);
            Message received = ReceiveOne(broker);
            GC.Collect();

            Message copy = received.Clone();
            copy.Topic = "other";
            copy.SetProperty("name", "changed");
            producer.Send(copy);
            Message again = ReceiveOne(broker, "other");

            Assert.Equal("value", received.GetProperty("name"));
            Assert.Equal("changed", again.GetProperty("name"));
            Assert.Equal("body", Encoding.UTF8.GetString(again.Body.Span));
            Assert.NotEqual(received.MessageId, again.MessageId);
        }

        private static Message ReceiveOne(TestBroker broker, string topic = "test")
        {
            using var arrived = new ManualResetEventSlim();
            var messages = new List<Message>();
            using PushConsumer consumer = broker.StartConsumer(
                message =>
                {
                    lock (messages)
                    {
                        messages.Add(message);
                    }

                    arrived.Set();
                    return ConsumeAction.CommitMessage;
                },
                topic);
            Assert.True(arrived.Wait(TestBroker.Patience));
            consumer.Shutdown();
            return Assert.Single(messages);
        }
    }
}
