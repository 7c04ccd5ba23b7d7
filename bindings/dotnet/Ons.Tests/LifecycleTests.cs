using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against clients that cannot be stopped, can be used after their end, or leave something behind.</summary>
    public class LifecycleTests
    {
        [Fact]
        public void Shutting_down_and_disposing_twice_does_nothing()
        {
            using var broker = new TestBroker();
            Producer producer = broker.StartProducer();
            PushConsumer consumer = broker.StartConsumer(_ => ConsumeAction.CommitMessage);
            Assert.True(producer.IsStarted);
            Assert.True(consumer.IsStarted);

            producer.Shutdown();
            producer.Shutdown();
            consumer.Shutdown();
            consumer.Shutdown();
            Assert.True(producer.IsClosed);
            Assert.True(consumer.IsClosed);
            Assert.False(producer.IsStarted);
            Assert.False(consumer.IsStarted);

            producer.Dispose();
            producer.Dispose();
            consumer.Dispose();
            consumer.Dispose();
        }

        [Fact]
        public async Task A_client_that_was_shut_down_says_so()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();
            using PushConsumer consumer = broker.StartConsumer(_ => ConsumeAction.CommitMessage);
            producer.Shutdown();
            consumer.Shutdown();
            var message = new Message("test", "a", "body");

            Assert.Equal(OnsStatus.InvalidState, Assert.Throws<OnsException>(() => producer.Send(message)).Status);
            Assert.Equal(OnsStatus.InvalidState, Assert.Throws<OnsException>(() => producer.SendOneway(message)).Status);
            Assert.Equal(OnsStatus.InvalidState, Assert.Throws<OnsException>(producer.Start).Status);
            Assert.Equal(OnsStatus.InvalidState, Assert.Throws<OnsException>(consumer.Start).Status);
            OnsException asynchronous = await Assert.ThrowsAsync<OnsException>(() => producer.SendAsync(message));
            Assert.Equal(OnsStatus.InvalidState, asynchronous.Status);
            Assert.Equal(Stored.No, asynchronous.Stored);
            Assert.False(asynchronous.IsRetriable);
        }

        [Fact]
        public void A_producer_that_was_not_started_says_so()
        {
            using var broker = new TestBroker();
            using FactoryProperty property = broker.Property();
            using var producer = new Producer(property);

            OnsException failure = Assert.Throws<OnsException>(() => producer.Send(new Message("test", "a", "body")));

            Assert.Equal(OnsStatus.InvalidState, failure.Status);
            Assert.NotEqual("", failure.Message);
        }

        [Fact]
        public void A_disposed_object_throws_ObjectDisposedException()
        {
            using var broker = new TestBroker();
            Producer producer = broker.StartProducer();
            PushConsumer consumer = broker.StartConsumer(_ => ConsumeAction.CommitMessage);
            FactoryProperty property = broker.Property();
            var other = EmbeddedBroker.Open(broker.Address["embedded:".Length..]);
            producer.Dispose();
            consumer.Dispose();
            property.Dispose();
            other.Dispose();
            var message = new Message("test", "a", "body");

            Assert.Throws<ObjectDisposedException>(() => producer.Send(message));
            Assert.Throws<ObjectDisposedException>(() => producer.SendOneway(message));
            Assert.Throws<ObjectDisposedException>(() => { _ = producer.SendAsync(message); });
            Assert.Throws<ObjectDisposedException>(producer.Start);
            Assert.Throws<ObjectDisposedException>(producer.Shutdown);
            Assert.Throws<ObjectDisposedException>(() => producer.IsStarted);
            Assert.Throws<ObjectDisposedException>(consumer.Start);
            Assert.Throws<ObjectDisposedException>(() => consumer.Subscribe("test", "*", _ => ConsumeAction.CommitMessage));
            Assert.Throws<ObjectDisposedException>(() => consumer.Unsubscribe("test"));
            Assert.Throws<ObjectDisposedException>(() => property["ProducerId"]);
            Assert.Throws<ObjectDisposedException>(() => new Producer(property));
            Assert.Throws<ObjectDisposedException>(() => other.Statistic("writes"));
        }

        [Fact]
        public void Shutdown_waits_for_sends_under_way_and_ends_each()
        {
            using var broker = new TestBroker();
            Producer producer = broker.StartProducer();
            Task<SendResult>[] sending = [.. Enumerable.Range(0, 1000).Select(_ => producer.SendAsync(new Message("test", "a", "body")))];

            producer.Dispose();

            // The continuations may still be on their way through the thread pool, the sends themselves are not.
            Assert.True(Task.WhenAll(sending).Wait(TestBroker.Patience));
        }

        [Fact]
        public void A_hundred_lives_leave_nothing_behind()
        {
            using var broker = new TestBroker(flush: "ASYNC_FLUSH");
            for (int i = 0; i < 30; i++)
            {
                LiveOnce(broker);
            }

            Footprint before = Footprint.Now();
            for (int i = 0; i < 100; i++)
            {
                LiveOnce(broker);
            }

            Footprint.Now().AssertNoneGrownSince(before);
        }

        [Fact]
        public void A_hundred_brokers_leave_nothing_behind()
        {
            for (int i = 0; i < 20; i++)
            {
                LiveOnce();
            }

            Footprint before = Footprint.Now();
            for (int i = 0; i < 100; i++)
            {
                LiveOnce();
            }

            Footprint.Now().AssertNoneGrownSince(before);
        }

        [Fact]
        public void A_directory_in_use_names_the_process_that_has_it()
        {
            using var broker = new TestBroker();
            using var program = new ProgramRun("TestProgram", _ => { }, "idle", broker.Address);

            Assert.NotEqual(7, program.WaitForExit(TestBroker.Patience));

            Assert.Contains(nameof(OnsException), program.Errors, StringComparison.Ordinal);
            Assert.Contains(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), program.Errors, StringComparison.Ordinal);
        }

        private static void LiveOnce(TestBroker broker)
        {
            using var arrived = new ManualResetEventSlim();
            using PushConsumer consumer = broker.StartConsumer(_ =>
            {
                arrived.Set();
                return ConsumeAction.CommitMessage;
            });
            using Producer producer = broker.StartProducer();
            producer.Send(new Message("test", "a", "body"));
            Assert.True(arrived.Wait(TestBroker.Patience));
            producer.Shutdown();
            consumer.Shutdown();
        }

        private static void LiveOnce()
        {
            using var broker = new TestBroker(flush: "ASYNC_FLUSH");
            LiveOnce(broker);
        }

        private sealed record Footprint(int Threads, string[] Descriptors, long ResidentBytes)
        {
            // The runtime's own pool may grow by one or two.
            private const int ThreadsSlack = 2;
            private const int BytesSlack = 8 << 20;

            public static Footprint Now()
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                GC.Collect();
                using var self = Process.GetCurrentProcess();
                string[] descriptors = OperatingSystem.IsLinux() ? OpenFiles() : new string[self.HandleCount];
                return new Footprint(self.Threads.Count, descriptors, self.WorkingSet64);
            }

            public void AssertNoneGrownSince(Footprint before)
            {
                Assert.True(Descriptors.Length <= before.Descriptors.Length, $"left open: {string.Join(' ', Descriptors.Except(before.Descriptors))}");
                Assert.InRange(Threads, 1, before.Threads + ThreadsSlack);
                Assert.InRange(ResidentBytes, 1, before.ResidentBytes + BytesSlack);
            }

            /// <summary>What this process has open, but for the assemblies that the runtime loads when it first needs them.</summary>
            private static string[] OpenFiles() =>
            [
                .. Directory.GetFileSystemEntries("/proc/self/fd")
                    .Select(entry => new FileInfo(entry).LinkTarget ?? "")
                    .Where(file => !file.EndsWith(".dll", StringComparison.Ordinal)),
            ];
        }
    }
}
