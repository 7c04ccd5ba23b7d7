using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using ons;
using Xunit;

namespace ManagedONS.Tests
{
    /// <summary>Guards against a documented call that does something else than the document says.</summary>
    public class EndToEndTests
    {
        [Fact]
        public void A_message_arrives_whole()
        {
            using var directory = new TestDirectory();
            Producer producer = directory.StartProducer();
            var listener = new CollectingListener();
            PushConsumer consumer = directory.StartConsumer(listener);
            var message = new Message("test", "TagA", "订单 🗝");
            message.setKey("ORDERID_100");
            message.putUserProperties("VincentNoUser", "值");
            SendResultONS result = producer.send(message);

            Message received = listener.Take();

            Assert.Equal("test", received.getTopic());
            Assert.Equal("TagA", received.getTag());
            Assert.Equal("ORDERID_100", received.getKey());
            Assert.Equal("订单 🗝", received.getBody());
            Assert.Equal("订单 🗝", received.getMsgBody());
            Assert.Equal("值", received.getUserProperty("VincentNoUser"));
            Assert.Equal("值", received.getUserProperties("VincentNoUser"));
            Assert.Equal("", received.getUserProperties("missing"));
            Assert.Equal(result.getMessageId(), received.getMsgID());
            Assert.Equal(result.getMessageId(), message.getMsgID());
            Assert.Equal("TagA", received.getSystemProperties(SystemPropKey.TAG));
            Assert.Equal(result.getMessageId(), received.getSystemProperties(SystemPropKey.MSGID));
            Assert.Equal(0, received.getReconsumeTimes());
            Assert.Equal(0, received.getStartDeliverTime());
            Assert.InRange(received.getStoreTimestamp(), 1, DateTimeOffset.UtcNow.AddMinutes(1).ToUnixTimeMilliseconds());
            consumer.shutdown();
            producer.shutdown();
        }

        [Fact]
        public void Bytes_arrive_unchanged()
        {
            byte[] body = [0, 255, 0, 128];
            using var directory = new TestDirectory();
            Producer producer = directory.StartProducer();
            var listener = new CollectingListener();
            PushConsumer consumer = directory.StartConsumer(listener);

            producer.sendOneway(new Message("test", "TagA", body));
            Assert.Equal(body, listener.Take().getByteBody());

            var second = new Message();
            second.setTopic("test");
            second.setBody(body, 2);
            body[0] = 99;
            producer.send(second);
            Message received = listener.Take();
            Assert.Equal([0, 255], received.getByteBody());
            Assert.Equal(2, received.getBodySize());
            consumer.shutdown();
            producer.shutdown();
        }

        [Fact]
        public async Task Asynchronous_sends_tell_their_outcome_once()
        {
            using var directory = new TestDirectory();
            Producer producer = directory.StartProducer();
            var callback = new CollectingCallback();

            producer.sendAsync(new Message("test", "TagA", "body"), callback);
            producer.sendAsync(new Message("no topic!", "TagA", "body"), callback);
            object[] outcomes = [callback.Take(), callback.Take()];
            SendResultONS result = await producer.sendAsync(new Message("test", "TagA", "body"));
            ONSClientException failure = await Assert.ThrowsAsync<ONSClientException>(() => producer.sendAsync(new Message("no topic!", "a", "b")));
            producer.shutdown();

            Assert.Contains(outcomes, outcome => outcome is SendResultONS sent && sent.getMessageId().Length == 32);
            Assert.Contains(outcomes, outcome => outcome is ONSClientException e && e.what() == failure.what());
            Assert.Equal(32, result.getMessageId().Length);
            Assert.True(callback.IsEmpty);
        }

        [Fact]
        public void Shutdown_returns_after_the_callbacks()
        {
            using var directory = new TestDirectory();
            Producer producer = directory.StartProducer();
            int told = 0;
            var callback = new ActingCallback(() =>
            {
                Thread.Sleep(5);
                Interlocked.Increment(ref told);
            });
            for (int i = 0; i < 100; i++)
            {
                producer.sendAsync(new Message("test", "TagA", "body"), callback);
                producer.sendAsync(new Message("no topic!", "TagA", "body"), callback);
            }

            producer.shutdown();

            Assert.Equal(200, told);
        }

        [Fact]
        public void A_callback_that_throws_is_not_waited_for()
        {
            using var directory = new TestDirectory();
            Producer producer = directory.StartProducer();
            producer.sendAsync(new Message("test", "TagA", "body"), new ActingCallback(() => throw new InvalidTimeZoneException("the callback's own")));
            producer.send(new Message("test", "TagA", "body"));
            var waiting = Stopwatch.StartNew();

            producer.shutdown();

            Assert.InRange(waiting.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(3));
        }

        [Fact]
        public void Callbacks_that_shut_down_wait_neither_for_themselves_nor_for_each_other()
        {
            using var directory = new TestDirectory();
            Producer producer = directory.StartProducer();
            using var areBothInside = new Barrier(2);
            var took = new BlockingCollection<TimeSpan>();
            var callback = new ActingCallback(() =>
            {
                areBothInside.SignalAndWait(TestDirectory.Patience);
                var waiting = Stopwatch.StartNew();
                producer.shutdown();
                took.Add(waiting.Elapsed);
            });
            producer.sendAsync(new Message("test", "TagA", "body"), callback);
            producer.sendAsync(new Message("test", "TagA", "body"), callback);

            for (int i = 0; i < 2; i++)
            {
                Assert.True(took.TryTake(out TimeSpan one, TestDirectory.Patience));
                Assert.InRange(one, TimeSpan.Zero, TimeSpan.FromSeconds(3));
            }

            producer.shutdown();
        }

        [Fact]
        public void Failures_are_exceptions_with_text_and_number()
        {
            using var directory = new TestDirectory();
            Producer producer = directory.StartProducer();

            ONSClientException wrong = Assert.Throws<ONSClientException>(() => producer.send(new Message("no topic!", "a", "b")));
            producer.shutdown();
            producer.shutdown();
            ONSClientException late = Assert.Throws<ONSClientException>(() => producer.send(new Message("test", "a", "b")));
            ONSClientException again = Assert.Throws<ONSClientException>(producer.start);

            Assert.Contains("no topic!", wrong.what(), StringComparison.Ordinal);
            Assert.Equal(wrong.what(), wrong.GetMsg());
            Assert.Equal(wrong.what(), wrong.Message);
            Assert.Equal(-1, wrong.GetError());
            Assert.Equal((int)Ons.OnsStatus.InvalidState, late.GetError());
            Assert.Equal((int)Ons.OnsStatus.InvalidState, again.GetError());
        }

        [Fact]
        public void A_listener_only_the_library_knows_goes_on()
        {
            using var directory = new TestDirectory();
            Producer producer = directory.StartProducer();
            var received = new BlockingCollection<Message>();
            PushConsumer consumer = StartWithForgottenListener(directory, received);
            for (int i = 0; i < 20; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                string id = producer.send(new Message("test", "TagA", "body")).getMessageId();
                Assert.True(received.TryTake(out Message? message, TestDirectory.Patience));
                Assert.Equal(id, message.getMsgID());
            }

            consumer.shutdown();
            producer.shutdown();
        }

        [Fact]
        public void Shutting_down_inside_a_listener_is_an_error_and_no_deadlock()
        {
            using var directory = new TestDirectory();
            Producer producer = directory.StartProducer();
            using var isDone = new ManualResetEventSlim();
            Exception? failure = null;
            PushConsumer? consumer = null;
            consumer = directory.StartConsumer(new CollectingListener(_ =>
            {
                failure = Record.Exception(() => consumer!.shutdown());
                isDone.Set();
            }));
            producer.send(new Message("test", "TagA", "body"));

            Assert.True(isDone.Wait(TestDirectory.Patience));
            consumer.shutdown();
            producer.shutdown();
            Assert.Equal((int)Ons.OnsStatus.InvalidState, Assert.IsType<ONSClientException>(failure).GetError());
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static PushConsumer StartWithForgottenListener(TestDirectory directory, BlockingCollection<Message> received)
        {
            MessageListener listener = new CollectingListener(received.Add);
            PushConsumer consumer = new ONSFactory().GetInstance().createPushConsumer(directory.Property());
            consumer.subscribe("test", "*", ref listener);
            consumer.start();
            return consumer;
        }

        private sealed class CollectingListener(Action<Message>? then = null) : MessageListener
        {
            private readonly BlockingCollection<Message> _messages = [];

            public override ons.Action consume(Message message, ConsumeContext context)
            {
                _messages.Add(message);
                then?.Invoke(message);
                return ons.Action.CommitMessage;
            }

            public Message Take()
            {
                Assert.True(_messages.TryTake(out Message? message, TestDirectory.Patience));
                return message;
            }
        }

        private sealed class ActingCallback(System.Action act) : SendCallbackONS
        {
            public override void onSuccess(SendResultONS sendResult) => act();

            public override void onException(ONSClientException e) => act();
        }

        private sealed class CollectingCallback : SendCallbackONS
        {
            private readonly BlockingCollection<object> _outcomes = [];

            public bool IsEmpty => _outcomes.Count == 0;

            public override void onSuccess(SendResultONS sendResult) => _outcomes.Add(sendResult);

            public override void onException(ONSClientException e) => _outcomes.Add(e);

            public object Take()
            {
                Assert.True(_outcomes.TryTake(out object? outcome, TestDirectory.Patience));
                return outcome;
            }
        }
    }
}
