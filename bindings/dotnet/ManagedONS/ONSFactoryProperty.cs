using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace ons
{
    /// <summary>The settings of a client. The keys are members: <c>info.setFactoryProperty(info.ProducerId, "PID_orders")</c>.</summary>
    public class ONSFactoryProperty
    {
        private const int Unset = -1;

        private readonly global::Ons.FactoryProperty _property = new();

        /// <summary>Key: the group of a producer.</summary>
        public string ProducerId => "ProducerId";

        /// <summary>Key: the group of a consumer.</summary>
        public string ConsumerId => "ConsumerId";

        /// <summary>Key: one group for producers and consumers.</summary>
        public string GroupId => "GroupId";

        /// <summary>Key: the topic, kept for the program's own use.</summary>
        public string PublishTopics => "PublishTopics";

        /// <summary>Key: a message text, kept for the program's own use.</summary>
        public string MsgContent => "MsgContent";

        /// <summary>Key: where to connect.</summary>
        public string ONSAddr => "ONSAddr";

        /// <summary>Key: the account's key.</summary>
        public string AccessKey => "AccessKey";

        /// <summary>Key: the account's secret.</summary>
        public string SecretKey => "SecretKey";

        /// <summary>Key: <see cref="CLUSTERING"/> or <see cref="BROADCASTING"/>.</summary>
        public string MessageModel => "MessageModel";

        /// <summary>Value: every instance of a group receives every message.</summary>
        public string BROADCASTING => "BROADCASTING";

        /// <summary>Value: the instances of a group share the messages.</summary>
        public string CLUSTERING => "CLUSTERING";

        /// <summary>Key: milliseconds a send may take.</summary>
        public string SendMsgTimeoutMillis => "SendMsgTimeoutMillis";

        /// <summary>Key: further attempts of a failed synchronous send.</summary>
        public string SendMsgRetryTimes => "SendMsgRetryTimes";

        /// <summary>Key: name servers of a remote broker.</summary>
        public string NAMESRV_ADDR => "NAMESRV_ADDR";

        /// <summary>Key: threads that call listeners.</summary>
        public string ConsumeThreadNums => "ConsumeThreadNums";

        /// <summary>Key: how often a failed message is delivered again.</summary>
        public string MaxReconsumeTimes => "MaxReconsumeTimes";

        /// <summary>Key: which cloud the account belongs to.</summary>
        public string OnsChannel => "OnsChannel";

        /// <summary>Key: messages fetched ahead of the listeners.</summary>
        public string MaxMsgCacheSize => "MaxMsgCacheSize";

        /// <summary>Key: mebibytes fetched ahead of the listeners.</summary>
        public string MaxCachedMessageSizeInMiB => "MaxCachedMessageSizeInMiB";

        /// <summary>Key: tracing.</summary>
        public string OnsTraceSwitch => "OnsTraceSwitch";

        /// <summary>Key: the name of this instance within its group.</summary>
        public string ConsumerInstanceName => "ConsumerInstanceName";

        /// <summary>Key: the instance, that is the name space, of the account.</summary>
        public string InstanceId => "InstanceId";

        /// <summary>Key: the log's directory or file.</summary>
        public string LogPath => "LogPath";

        internal global::Ons.FactoryProperty Inner => _property;

        /// <summary>The name of the key <see cref="ProducerId"/>.</summary>
        public string getProducerIdName() => ProducerId;

        /// <summary>The name of the key <see cref="ConsumerId"/>.</summary>
        public string getConsumerIdName() => ConsumerId;

        /// <summary>The name of the key <see cref="PublishTopics"/>.</summary>
        public string getPublishTopicsName() => PublishTopics;

        /// <summary>The name of the key <see cref="MsgContent"/>.</summary>
        public string getMsgContentName() => MsgContent;

        /// <summary>The name of the key <see cref="AccessKey"/>.</summary>
        public string getAccessKeyName() => AccessKey;

        /// <summary>The name of the key <see cref="SecretKey"/>.</summary>
        public string getSecretKeyName() => SecretKey;

        /// <summary>The name of the key <see cref="OnsChannel"/>.</summary>
        public string getOnsChannelName() => OnsChannel;

        /// <summary>True, or an exception that says what is wrong with the value.</summary>
        public bool checkValidityOfFactoryProperties(string key, string value)
        {
            try
            {
                _property.Check(Require.NotNull(key, nameof(key)), Require.NotNull(value, nameof(value)));
                return true;
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>Sets a value; a bad one is refused here.</summary>
        public void setFactoryProperty(string key, string value)
        {
            try
            {
                _property[Require.NotNull(key, nameof(key))] = Require.NotNull(value, nameof(value));
            }
            catch (global::Ons.OnsException e)
            {
                throw new ONSClientException(e);
            }
        }

        /// <summary>Sets several values.</summary>
        public void setFactoryProperties(IDictionary<string, string> factoryProperties)
        {
            Require.NotNull(factoryProperties, nameof(factoryProperties));
            foreach (KeyValuePair<string, string> property in factoryProperties)
            {
                setFactoryProperty(property.Key, property.Value);
            }
        }

        /// <summary>A copy of what was set.</summary>
        public IDictionary<string, string> getFactoryProperties() => _property.ToDictionary(p => p.Key, p => p.Value);

        /// <summary>Sets <see cref="SendMsgTimeoutMillis"/>.</summary>
        public void setSendMsgTimeout(int value) => SetNumber(SendMsgTimeoutMillis, value);

        /// <summary>Sets <see cref="SendMsgRetryTimes"/>.</summary>
        public void setSendMsgRetryTimes(int value) => SetNumber(SendMsgRetryTimes, value);

        /// <summary>Sets <see cref="MaxMsgCacheSize"/>.</summary>
        public void setMaxMsgCacheSize(int size) => SetNumber(MaxMsgCacheSize, size);

        /// <summary>Sets <see cref="OnsTraceSwitch"/>.</summary>
        public void setOnsTraceSwitch(bool onswitch) => setFactoryProperty(OnsTraceSwitch, onswitch ? "true" : "false");

        /// <summary>Sets <see cref="OnsChannel"/>.</summary>
        public void setOnsChannel(ONSChannel onsChannel) => setFactoryProperty(OnsChannel, onsChannel.ToString());

        /// <summary>The value of <see cref="LogPath"/>.</summary>
        public string getLogPath() => Explicit(LogPath);

        /// <summary>The value of <see cref="ProducerId"/>.</summary>
        public string getProducerId() => Explicit(ProducerId);

        /// <summary>The value of <see cref="ConsumerId"/>.</summary>
        public string getConsumerId() => Explicit(ConsumerId);

        /// <summary>The value of <see cref="GroupId"/>.</summary>
        public string getGroupId() => Explicit(GroupId);

        /// <summary>The value of <see cref="PublishTopics"/>.</summary>
        public string getPublishTopics() => Explicit(PublishTopics);

        /// <summary>The value of <see cref="MessageModel"/>.</summary>
        public string getMessageModel() => Explicit(MessageModel);

        /// <summary>The value of <see cref="OnsChannel"/>.</summary>
        public string getChannel() => _property[OnsChannel];

        /// <summary>The value of <see cref="MsgContent"/>.</summary>
        public string getMessageContent() => Explicit(MsgContent);

        /// <summary>The value of <see cref="NAMESRV_ADDR"/>.</summary>
        public string getNameSrvAddr() => Explicit(NAMESRV_ADDR);

        /// <summary>The value of <see cref="ONSAddr"/>.</summary>
        public string getNameSrvDomain() => Explicit(ONSAddr);

        /// <summary>The value of <see cref="AccessKey"/>.</summary>
        public string getAccessKey() => Explicit(AccessKey);

        /// <summary>The value of <see cref="SecretKey"/>.</summary>
        public string getSecretKey() => Explicit(SecretKey);

        /// <summary>The value of <see cref="ConsumerInstanceName"/>.</summary>
        public string getConsumerInstanceName() => Explicit(ConsumerInstanceName);

        /// <summary>The value of <see cref="InstanceId"/>.</summary>
        public string getInstanceId() => Explicit(InstanceId);

        /// <summary>The value of <see cref="SendMsgTimeoutMillis"/>; -1 if not set.</summary>
        public int getSendMsgTimeout() => GetNumber(SendMsgTimeoutMillis);

        /// <summary>The value of <see cref="SendMsgRetryTimes"/>; -1 if not set.</summary>
        public int getSendMsgRetryTimes() => GetNumber(SendMsgRetryTimes);

        /// <summary>The value of <see cref="ConsumeThreadNums"/>; -1 if not set.</summary>
        public int getConsumeThreadNums() => GetNumber(ConsumeThreadNums);

        /// <summary>The value of <see cref="MaxMsgCacheSize"/>; -1 if not set.</summary>
        public int getMaxMsgCacheSize() => GetNumber(MaxMsgCacheSize);

        /// <summary>The value of <see cref="OnsChannel"/>.</summary>
        public ONSChannel getOnsChannel() => Enum.TryParse(getChannel(), out ONSChannel channel) ? channel : ONSChannel.ALIYUN;

        /// <summary>The value of <see cref="OnsTraceSwitch"/>.</summary>
        public bool getOnsTraceSwitch() => string.Equals(_property[OnsTraceSwitch], "true", StringComparison.OrdinalIgnoreCase);

        private void SetNumber(string key, int value) => setFactoryProperty(key, value.ToString(CultureInfo.InvariantCulture));

        private int GetNumber(string key) =>
            Explicit(key) is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : Unset;

        /// <summary>What was set: the documented getters do not show defaults.</summary>
        private string Explicit(string key) => getFactoryProperties().TryGetValue(key, out string? value) ? value : "";
    }
}
