using System;
using System.Collections.Generic;
using ons;
using Xunit;

namespace ManagedONS.Tests
{
    /// <summary>Guards against wrong calls that are ignored or end the program, and against defaults other than the documented.</summary>
    public class ArgumentTests
    {
        [Fact]
        public void Null_is_a_wrong_call()
        {
            using var directory = new TestDirectory();
            Producer producer = directory.StartProducer();
            ONSFactoryAPI factory = new ONSFactory().getInstance();
            PushConsumer consumer = factory.createPushConsumer(directory.Property());
            var property = new ONSFactoryProperty();
            var message = new Message();
            System.Action[] calls =
            [
                () => factory.createProducer(null!),
                () => factory.createPushConsumer(null!),
                () => producer.send(null!),
                () => producer.sendOneway(null!),
                () => producer.sendAsync(null!, null!),
                () => producer.sendAsync(new Message("test", "a", "b"), null!),
                () => consumer.subscribe(null!, "*", new Listener()),
                () => consumer.subscribe("", "*", new Listener()),
                () => consumer.subscribe("test", null!, new Listener()),
                () => consumer.subscribe("test", "*", null!),
                () => consumer.unsubscribe(null!),
                () => property.setFactoryProperty(null!, "x"),
                () => property.setFactoryProperty("x", null!),
                () => property.checkValidityOfFactoryProperties(null!, "x"),
                () => property.setFactoryProperties(null!),
                () => _ = new Message(null!, "a", "b"),
                () => _ = new Message("test", "a", (string)null!),
                () => _ = new Message("test", "a", (byte[])null!),
                () => _ = new Message(null!),
                () => message.setBody(null!, 0),
                () => message.setMsgBody(null!),
                () => message.putUserProperties(null!, "x"),
                () => message.putUserProperties("x", null!),
                () => message.putSystemProperties(null!, "x"),
                () => message.setUserProperties(null!),
            ];

            Assert.All(calls, call => Assert.Equal(-1, Assert.Throws<ONSClientException>(call).GetError()));
            consumer.shutdown();
            producer.shutdown();
        }

        [Fact]
        public void Values_out_of_range_are_wrong_calls_that_say_what_is_allowed()
        {
            var message = new Message();
            (System.Action Call, string Named, string Allowed)[] calls =
            [
                (() => message.putSystemProperties(SystemPropKey.RECONSUMETIMES, "x"), SystemPropKey.RECONSUMETIMES, "whole numbers"),
                (() => message.putSystemProperties(SystemPropKey.RECONSUMETIMES, "2147483648"), SystemPropKey.RECONSUMETIMES, "2147483647"),
                (() => message.putSystemProperties(SystemPropKey.STARTDELIVERTIME, ""), SystemPropKey.STARTDELIVERTIME, "whole numbers"),
                (() => message.putSystemProperties(SystemPropKey.STARTDELIVERTIME, "253402300800000"), "253402300800000", "253402300799999"),
                (() => message.setSystemProperties(new Dictionary<string, string> { [SystemPropKey.RECONSUMETIMES] = "1.5" }), "1.5", "whole numbers"),
                (() => message.setStartDeliverTime(long.MaxValue), "9223372036854775807", "253402300799999"),
                (() => message.setStoreTimestamp(long.MinValue), "-9223372036854775808", "-62135596800000"),
                (() => message.setBody([1, 2], 3), "len is 3", "0 to 2"),
                (() => message.setBody([1, 2], -1), "len is -1", "0 to 2"),
            ];

            Assert.All(calls, call =>
            {
                ONSClientException failure = Assert.Throws<ONSClientException>(call.Call);
                Assert.Equal(-1, failure.GetError());
                Assert.Contains(call.Named, failure.what(), StringComparison.Ordinal);
                Assert.Contains(call.Allowed, failure.what(), StringComparison.Ordinal);
            });
        }

        [Fact]
        public void Missing_text_reads_as_empty()
        {
            var message = new Message("test", null!, null!, "body");
            message.setTopic(null!);

            Assert.Equal(("", "", "", ""), (message.getTopic(), message.getTag(), message.getKey(), message.getMsgID()));
            Assert.Equal("", message.getUserProperties("missing"));
            Assert.Equal("", message.getSystemProperties("missing"));
        }

        [Fact]
        public void Settings_that_were_not_made_read_as_documented()
        {
            var property = new ONSFactoryProperty();

            Assert.Equal("", property.getProducerId());
            Assert.Equal("", property.getMessageModel());
            Assert.Equal(-1, property.getSendMsgTimeout());
            Assert.Equal(-1, property.getConsumeThreadNums());
            Assert.Equal("ALIYUN", property.getChannel());
            Assert.Equal(ONSChannel.ALIYUN, property.getOnsChannel());
            Assert.True(property.getOnsTraceSwitch());
        }

        [Fact]
        public void Settings_are_kept()
        {
            var property = new ONSFactoryProperty();
            property.setSendMsgTimeout(1000);
            property.setSendMsgRetryTimes(1);
            property.setMaxMsgCacheSize(500);
            property.setOnsTraceSwitch(false);
            property.setOnsChannel(ONSChannel.CLOUD);
            property.setFactoryProperties(new Dictionary<string, string> { [property.getProducerIdName()] = "PID_a ", [property.getMsgContentName()] = "x" });

            Assert.Equal((1000, 1, 500), (property.getSendMsgTimeout(), property.getSendMsgRetryTimes(), property.getMaxMsgCacheSize()));
            Assert.False(property.getOnsTraceSwitch());
            Assert.Equal(ONSChannel.CLOUD, property.getOnsChannel());
            Assert.Equal("PID_a", property.getProducerId());
            Assert.Equal("x", property.getMessageContent());
            Assert.Equal(7, property.getFactoryProperties().Count);
            Assert.True(property.checkValidityOfFactoryProperties(property.MessageModel, property.CLUSTERING));
            ONSClientException failure = Assert.Throws<ONSClientException>(() => property.setFactoryProperty(property.MessageModel, "SOME"));
            Assert.Contains("SOME", failure.what(), StringComparison.Ordinal);
        }

        [Fact]
        public void Properties_by_name_are_the_members()
        {
            var message = new Message("test", "a", "key", "body");
            message.putSystemProperties(SystemPropKey.TAG, "b");
            message.putSystemProperties(SystemPropKey.RECONSUMETIMES, "3");
            message.putSystemProperties("__OTHER", "kept");
            message.putUserProperties("name", "value");
            var copy = new Message(message);
            message.setSystemProperties(new Dictionary<string, string> { [SystemPropKey.KEY] = "new" });

            Assert.Equal(("b", "key", 3, "kept"), (copy.getTag(), copy.getKey(), copy.getReconsumeTimes(), copy.getSystemProperties("__OTHER")));
            Assert.Equal(("", "new", 0, ""), (message.getTag(), message.getKey(), message.getReconsumeTimes(), message.getSystemProperties("__OTHER")));
            Assert.Equal("{__KEY=key, __OTHER=kept, __RECONSUMETIMES=3, __TAG=b}", copy.toSystemString());
            Assert.Equal("{name=value}", copy.toUserString());
        }

        [Fact]
        public void Clients_of_later_versions_are_refused_by_name()
        {
            var factory = new ONSFactoryAPI();
            var property = new ONSFactoryProperty();
            LocalTransactionChecker checker = new Checker();
            (System.Action Call, string Name)[] calls =
            [
                (() => factory.createOrderProducer(property), "ordered producer"),
                (() => factory.createOrderConsumer(property), "ordered consumer"),
                (() => factory.createPullConsumer(property), "pull consumer"),
                (() => factory.createTransactionProducer(property, checker), "transactional producer"),
                (() => factory.createTransactionProducer(property, ref checker), "transactional producer"),
            ];

            Assert.All(calls, call =>
            {
                ONSClientException failure = Assert.Throws<ONSClientException>(call.Call);
                Assert.Contains(call.Name, failure.what(), StringComparison.Ordinal);
                Assert.Equal((int)Ons.OnsStatus.NotSupported, failure.GetError());
            });
        }

        private sealed class Listener : MessageListener
        {
            public override ons.Action consume(Message message, ConsumeContext context) => ons.Action.CommitMessage;
        }

        private sealed class Checker : LocalTransactionChecker
        {
            public override TransactionStatus check(Message msg) => TransactionStatus.Unknow;
        }
    }
}
