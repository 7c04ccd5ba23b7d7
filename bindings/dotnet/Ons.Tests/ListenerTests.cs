using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against what a listener can do to the library: throw, shut down, be forgotten.</summary>
    public class ListenerTests
    {
        [Fact]
        public void A_message_whose_listener_threw_comes_again()
        {
            using var broker = new TestBroker(isManualClock: true);
            using Producer producer = broker.StartProducer();
            var failure = new InvalidTimeZoneException("the listener's own");
            var times = new ConcurrentQueue<int>();
            var reported = new ConcurrentQueue<ListenerExceptionEventArgs>();
            using var isConsumed = new ManualResetEventSlim();
            using PushConsumer consumer = broker.StartConsumer(message =>
            {
                times.Enqueue(message.ReconsumeTimes);
                if (message.ReconsumeTimes == 0)
                {
                    throw failure;
                }

                isConsumed.Set();
                return message.ReconsumeTimes == 1 ? ConsumeAction.CommitMessage : ConsumeAction.ReconsumeLater;
            });
            consumer.ListenerException += (_, e) => reported.Enqueue(e);
            SendResult sent = producer.Send(new Message("test", "a", "body"));

            broker.AdvanceUntil(isConsumed);
            consumer.Shutdown();

            Assert.Equal([0, 1], times);
            ListenerExceptionEventArgs one = Assert.Single(reported);
            Assert.Same(failure, one.Exception);
            Assert.Equal(sent.MessageId, one.Message.MessageId);
        }

        [Fact]
        public void ReconsumeLater_and_unknown_answers_bring_the_message_again()
        {
            using var broker = new TestBroker(isManualClock: true);
            using Producer producer = broker.StartProducer();
            using var isConsumed = new ManualResetEventSlim();
            using PushConsumer consumer = broker.StartConsumer(message =>
            {
                if (message.ReconsumeTimes < 2)
                {
                    return message.ReconsumeTimes == 0 ? ConsumeAction.ReconsumeLater : (ConsumeAction)2;
                }

                isConsumed.Set();
                return ConsumeAction.CommitMessage;
            });
            producer.Send(new Message("test", "a", "body"));

            broker.AdvanceUntil(isConsumed);
        }

        [Fact]
        public void An_awaiting_listener_decides_when_its_task_ends()
        {
            using var broker = new TestBroker(isManualClock: true);
            using Producer producer = broker.StartProducer();
            using var isConsumed = new ManualResetEventSlim();
            using FactoryProperty property = broker.Property();
            using var consumer = new PushConsumer(property);
            consumer.Subscribe("test", "*", async message =>
            {
                await Task.Yield();
                if (message.ReconsumeTimes == 0)
                {
                    throw new InvalidOperationException("thrown by the task");
                }

                isConsumed.Set();
                return ConsumeAction.CommitMessage;
            });
            consumer.Start();
            producer.Send(new Message("test", "a", "body"));

            broker.AdvanceUntil(isConsumed);
        }

        [Fact]
        public void Shutting_down_inside_a_listener_is_an_error_and_no_deadlock()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();
            using var isDone = new ManualResetEventSlim();
            var failures = new ConcurrentQueue<Exception?>();
            PushConsumer? consumer = null;
            consumer = broker.StartConsumer(_ =>
            {
                failures.Enqueue(Record.Exception(() => consumer!.Shutdown()));
                failures.Enqueue(Record.Exception(() => consumer!.Dispose()));
                failures.Enqueue(Record.Exception(() => { consumer!.DisposeAsync().AsTask().Wait(); }));
                failures.Enqueue(Record.Exception(() => producer.Shutdown()));
                isDone.Set();
                return ConsumeAction.CommitMessage;
            });
            producer.Send(new Message("test", "a", "body"));

            Assert.True(isDone.Wait(TestBroker.Patience));
            consumer.Dispose();
            Assert.Equal(4, failures.Count);
            Assert.All(failures, failure => Assert.Equal(OnsStatus.InvalidState, Assert.IsType<OnsException>(failure).Status));
        }

        [Fact]
        public void Shutting_down_after_an_await_is_an_error_and_no_deadlock()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();
            using FactoryProperty property = broker.Property();
            using var other = new PushConsumer(property);
            using var consumer = new PushConsumer(property);
            using var isDone = new ManualResetEventSlim();
            var failures = new ConcurrentQueue<Exception?>();
            Exception? ofOther = null;
            TimeSpan took = default;
            consumer.Subscribe("test", "*", async _ =>
            {
                await Task.Yield();
                var waiting = Stopwatch.StartNew();
                failures.Enqueue(Record.Exception(consumer.Shutdown));
                failures.Enqueue(Record.Exception(consumer.Dispose));
                failures.Enqueue(await Record.ExceptionAsync(() => consumer.DisposeAsync().AsTask()));
                failures.Enqueue(await Record.ExceptionAsync(() => Task.Run(consumer.Shutdown)));
                took = waiting.Elapsed;
                ofOther = Record.Exception(other.Shutdown);
                isDone.Set();
                return ConsumeAction.CommitMessage;
            });
            consumer.Start();
            producer.Send(new Message("test", "a", "body"));

            Assert.True(isDone.Wait(TestBroker.Patience));
            consumer.Shutdown();
            Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(20));
            Assert.Equal(4, failures.Count);
            Assert.All(failures, failure => Assert.Equal(OnsStatus.InvalidState, Assert.IsType<OnsException>(failure).Status));
            Assert.Null(ofOther);
        }

        [Fact]
        public async Task What_an_awaiting_listener_started_may_shut_down_once_it_has_ended()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();
            using FactoryProperty property = broker.Property();
            using var consumer = new PushConsumer(property);
            var shutdowns = new BlockingCollection<Task>();
            consumer.Subscribe("test", "*", async _ =>
            {
                await Task.Yield();
                shutdowns.Add(Task.Run(consumer.Shutdown));
                await Task.Delay(50);
                return ConsumeAction.CommitMessage;
            });
            consumer.Start();
            producer.Send(new Message("test", "a", "body"));

            Assert.True(shutdowns.TryTake(out Task? shutdown, TestBroker.Patience));
            await shutdown.WaitAsync(TestBroker.Patience);
            Assert.True(consumer.IsClosed);
        }

        [Fact]
        public void A_consumer_and_a_listener_nobody_refers_to_go_on()
        {
            using var broker = new TestBroker(flush: "ASYNC_FLUSH");
            using Producer producer = broker.StartProducer();
            var received = new BlockingCollection<string>();
            StartForgotten(broker, received);
            for (int i = 0; i < 20; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                string id = producer.Send(new Message("test", "a", "body")).MessageId;
                Assert.True(received.TryTake(out string? arrived, TestBroker.Patience));
                Assert.Equal(id, arrived);
            }
        }

        [Fact]
        public void A_listener_is_let_go_once_it_is_unsubscribed()
        {
            using var broker = new TestBroker();
            using FactoryProperty property = broker.Property();
            using var consumer = new PushConsumer(property);
            WeakReference listener = SubscribeWith(consumer);
            consumer.Start();
            GC.Collect();
            Assert.True(listener.IsAlive);

            consumer.Unsubscribe("test");
            AssertIsCollected(listener);
        }

        [Fact]
        public void A_listener_is_let_go_once_another_took_its_place()
        {
            using var broker = new TestBroker();
            using FactoryProperty property = broker.Property();
            using var consumer = new PushConsumer(property);
            WeakReference listener = SubscribeWith(consumer);
            consumer.Subscribe("test", "*", _ => ConsumeAction.CommitMessage);
            AssertIsCollected(listener);
        }

        [Fact]
        public void A_listener_is_let_go_after_shutdown()
        {
            using var broker = new TestBroker();
            using FactoryProperty property = broker.Property();
            using var consumer = new PushConsumer(property);
            WeakReference listener = SubscribeWith(consumer);
            consumer.Start();
            consumer.Shutdown();
            AssertIsCollected(listener);
        }

        [Fact]
        public void A_listener_is_let_go_when_its_subscription_is_refused()
        {
            using var broker = new TestBroker();
            using FactoryProperty property = broker.Property();
            using var consumer = new PushConsumer(property);
            AssertIsCollected(SubscribeWith(consumer, "no topic!"));
        }

        [Fact]
        public void A_consumer_that_was_never_started_is_collected_with_its_listener()
        {
            using var broker = new TestBroker();
            AssertIsCollected(ForgetUnstarted(broker));
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void StartForgotten(TestBroker broker, BlockingCollection<string> received) =>
            broker.StartConsumer(message =>
            {
                received.Add(message.MessageId);
                return ConsumeAction.CommitMessage;
            });

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static WeakReference ForgetUnstarted(TestBroker broker)
        {
            using FactoryProperty property = broker.Property();
            return SubscribeWith(new PushConsumer(property));
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static WeakReference SubscribeWith(PushConsumer consumer, string topic = "test")
        {
            var target = new Target();
            try
            {
                consumer.Subscribe(topic, "*", target.Consume);
            }
            catch (OnsException)
            {
                // Wanted by one test.
            }

            return new WeakReference(target);
        }

        private static void AssertIsCollected(WeakReference reference)
        {
            for (int i = 0; i < 10 && reference.IsAlive; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.False(reference.IsAlive);
        }

        private sealed class Target
        {
            private ConsumeAction _answer = ConsumeAction.CommitMessage;

            public ConsumeAction Consume(Message message) => _answer = message.ReconsumeTimes == 0 ? ConsumeAction.CommitMessage : _answer;
        }
    }
}
