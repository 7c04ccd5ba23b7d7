using System;
using System.IO;
using System.Threading.Tasks;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against wrong values that crash, are ignored, or are refused without saying why.</summary>
    public class ArgumentTests
    {
        private const int BodyBytesMax = 4 << 20;

        [Fact]
        public void Null_is_refused_everywhere()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();
            using PushConsumer consumer = broker.StartConsumer(_ => ConsumeAction.CommitMessage);
            using var property = new FactoryProperty();
            var message = new Message();

            Assert.Throws<ArgumentNullException>(() => new Producer(null!));
            Assert.Throws<ArgumentNullException>(() => new PushConsumer(null!));
            Assert.Throws<ArgumentNullException>(() => producer.Send(null!));
            Assert.Throws<ArgumentNullException>(() => producer.SendOneway(null!));
            Assert.Throws<ArgumentNullException>(() => { _ = producer.SendAsync(null!); });
            Assert.Throws<ArgumentNullException>(() => consumer.Subscribe(null!, "*", _ => ConsumeAction.CommitMessage));
            Assert.Throws<ArgumentNullException>(() => consumer.Subscribe("test", null!, _ => ConsumeAction.CommitMessage));
            Assert.Throws<ArgumentNullException>(() => consumer.Subscribe("test", "*", (MessageListener)null!));
            Assert.Throws<ArgumentNullException>(() => consumer.Subscribe("test", "*", (AsyncMessageListener)null!));
            Assert.Throws<ArgumentNullException>(() => consumer.Unsubscribe(null!));
            Assert.Throws<ArgumentNullException>(() => EmbeddedBroker.Open(null!));
            Assert.Throws<ArgumentNullException>(() => broker.Broker.Statistic(null!));
            Assert.Throws<ArgumentNullException>(() => broker.Broker.Backlog(null!, "test"));
            Assert.Throws<ArgumentNullException>(() => broker.Broker.Backlog("GID_test", null!));
            Assert.Throws<ArgumentNullException>(() => property[null!]);
            Assert.Throws<ArgumentNullException>(() => property[null!] = "x");
            Assert.Throws<ArgumentNullException>(() => property["ProducerId"] = null!);
            Assert.Throws<ArgumentNullException>(() => new Message("test", "a", (string)null!));
            Assert.Throws<ArgumentNullException>(() => message.Topic = null!);
            Assert.Throws<ArgumentNullException>(() => message.Tag = null!);
            Assert.Throws<ArgumentNullException>(() => message.Key = null!);
            Assert.Throws<ArgumentNullException>(() => message.SetProperty(null!, "x"));
            Assert.Throws<ArgumentNullException>(() => message.SetProperty("x", null!));
            Assert.Throws<ArgumentNullException>(() => Log.SetFile(null!, 1, 1));
        }

        [Theory]
        [InlineData("")]
        [InlineData("no topic!")]
        [InlineData("über")]
        public async Task A_bad_topic_is_refused_by_name(string topic)
        {
            using var broker = new TestBroker();
            await using Producer producer = broker.StartProducer();
            var message = new Message(topic, "a", "body");

            OnsException failure = Assert.Throws<OnsException>(() => producer.Send(message));
            OnsException asynchronous = await Assert.ThrowsAsync<OnsException>(() => producer.SendAsync(message));

            Assert.Equal(OnsStatus.InvalidArgument, failure.Status);
            Assert.Equal(Stored.No, failure.Stored);
            Assert.Contains(topic, failure.Message, StringComparison.Ordinal);
            Assert.Equal(failure.Message, asynchronous.Message);
            Assert.Equal(0, broker.Broker.MessagesAppended);
        }

        [Fact]
        public async Task Text_with_a_NUL_is_refused_by_name()
        {
            using var broker = new TestBroker();
            await using Producer producer = broker.StartProducer();
            var tagged = new Message("test", "a\0b", "body");
            var coloured = new Message("test", "a", "body");
            coloured.SetProperty("colour", "ü\0");

            OnsException failure = Assert.Throws<OnsException>(() => producer.Send(tagged));
            OnsException asynchronous = await Assert.ThrowsAsync<OnsException>(() => producer.SendAsync(tagged));
            OnsException ofProperty = Assert.Throws<OnsException>(() => producer.SendOneway(coloured));

            Assert.Equal(OnsStatus.InvalidArgument, failure.Status);
            Assert.Equal("tag has a NUL (at byte 1 of 3)", failure.Message);
            Assert.Equal(failure.Message, asynchronous.Message);
            Assert.Equal("value has a NUL (at byte 2 of 3)", ofProperty.Message);
            Assert.Equal(0, broker.Broker.MessagesAppended);
        }

        [Fact]
        public void A_body_may_have_4_MiB_and_not_one_byte_more()
        {
            using var broker = new TestBroker(flush: "ASYNC_FLUSH");
            using Producer producer = broker.StartProducer();
            producer.Send(new Message("test", new byte[BodyBytesMax]));

            OnsException failure = Assert.Throws<OnsException>(() => producer.Send(new Message("test", new byte[BodyBytesMax + 1])));

            Assert.Equal(OnsStatus.InvalidArgument, failure.Status);
            Assert.Contains("4194304", failure.Message, StringComparison.Ordinal);
        }

        [Fact]
        public void An_empty_body_is_refused()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();

            OnsException failure = Assert.Throws<OnsException>(() => producer.Send(new Message("test", ReadOnlyMemory<byte>.Empty)));

            Assert.Equal(OnsStatus.InvalidArgument, failure.Status);
        }

        [Fact]
        public void A_bad_value_is_refused_when_it_is_set()
        {
            using var property = new FactoryProperty();

            OnsException failure = Assert.Throws<OnsException>(() => property["SendMsgTimeoutMillis"] = "soon");
            Assert.Throws<OnsException>(() => property.Check("SendMsgTimeoutMillis", "soon"));

            Assert.Equal(OnsStatus.InvalidArgument, failure.Status);
            Assert.Contains("SendMsgTimeoutMillis", failure.Message, StringComparison.Ordinal);
            Assert.Contains("soon", failure.Message, StringComparison.Ordinal);
            Assert.Empty(property);
        }

        [Fact]
        public void Settings_are_trimmed_kept_listed_and_cloned()
        {
            using var property = new FactoryProperty { ["ProducerId"] = "PID_xxxx ", ["my own key"] = "значение" };
            using FactoryProperty copy = property.Clone();
            property["ProducerId"] = "PID_other";

            Assert.Equal("PID_xxxx", copy["ProducerId"]);
            Assert.Equal("значение", copy["my own key"]);
            Assert.Equal("3000", copy["SendMsgTimeoutMillis"]);
            Assert.Equal("", copy["not set"]);
            Assert.Equal(2, System.Linq.Enumerable.Count(copy));
        }

        [Theory]
        [InlineData("NAMESRV_ADDR", "localhost:9876")]
        [InlineData("ONSAddr", "http://localhost/nsaddr")]
        public void A_remote_address_is_refused_by_name_for_now(string key, string value)
        {
            using var property = new FactoryProperty { ["GroupId"] = "GID_test", [key] = value };

            OnsException failure = Assert.Throws<OnsException>(() =>
            {
                using var producer = new Producer(property);
                producer.Start();
            });

            Assert.Equal(OnsStatus.NotSupported, failure.Status);
            Assert.Contains(value, failure.Message, StringComparison.Ordinal);
        }

        [Fact]
        public void Broadcasting_is_refused_by_name_for_now()
        {
            using var broker = new TestBroker();
            using FactoryProperty property = broker.Property();

            OnsException failure = Assert.Throws<OnsException>(() =>
            {
                property["MessageModel"] = "BROADCASTING";
                using var consumer = new PushConsumer(property);
            });

            Assert.Equal(OnsStatus.NotSupported, failure.Status);
            Assert.Contains("BROADCASTING", failure.Message, StringComparison.Ordinal);
        }

        [Fact]
        public void A_delivery_time_is_refused_for_now()
        {
            using var broker = new TestBroker();
            using Producer producer = broker.StartProducer();
            var message = new Message("test", "a", "body") { StartDeliverTime = DateTimeOffset.UtcNow.AddHours(1) };

            OnsException failure = Assert.Throws<OnsException>(() => producer.Send(message));

            Assert.Equal(OnsStatus.NotSupported, failure.Status);
            Assert.Equal(0, broker.Broker.MessagesAppended);
        }

        [Fact]
        public void A_directory_that_cannot_be_written_is_named()
        {
            string file = Path.GetTempFileName();
            try
            {
                OnsException failure = Assert.Throws<OnsException>(() => EmbeddedBroker.Open(file));
                Assert.Contains(file, failure.Message, StringComparison.Ordinal);
            }
            finally
            {
                File.Delete(file);
            }
        }

        [Fact]
        public void A_message_id_of_any_form_is_kept()
        {
            var message = new Message { MessageId = "not 32 hexadecimal digits" };
            Assert.Equal("not 32 hexadecimal digits", message.MessageId);
            message.MessageId = new string('0', 32);
            Assert.Equal(new string('0', 32), message.MessageId);
            Assert.Equal("", new Message().MessageId);
        }
    }
}
