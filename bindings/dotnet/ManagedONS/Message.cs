using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace ons
{
    /// <summary>A message to send, or one received. Text is UTF-8 everywhere.</summary>
    public class Message
    {
        private readonly global::Ons.Message _message;

        /// <summary>An empty message.</summary>
        public Message() => _message = new global::Ons.Message();

        /// <summary>A message whose body is the UTF-8 form of <paramref name="body"/>.</summary>
        public Message(string topic, string tags, string body)
            : this(topic, tags, Encoding.UTF8.GetBytes(Require.NotNull(body, nameof(body))))
        {
        }

        /// <summary>A message of any bytes.</summary>
        public Message(string topic, string tags, byte[] body) =>
            _message = new global::Ons.Message(Require.NotNull(topic, nameof(topic)), tags ?? "", Require.NotNull(body, nameof(body)));

        /// <summary>A message with a business key.</summary>
        public Message(string topic, string tags, string keys, string body)
            : this(topic, tags, body) => setKey(keys);

        /// <summary>A message of any bytes with a business key.</summary>
        public Message(string topic, string tags, string keys, byte[] body)
            : this(topic, tags, body) => setKey(keys);

        /// <summary>A copy; both share the body.</summary>
        public Message(Message other)
            : this(Require.NotNull(other, nameof(other))._message.Clone())
        {
        }

        internal Message(global::Ons.Message message) => _message = message;

        internal global::Ons.Message Inner => _message;

        /// <summary>Sets one of the user's properties.</summary>
        public void putUserProperties(string key, string value) =>
            _message.SetProperty(Require.NotNull(key, nameof(key)), Require.NotNull(value, nameof(value)));

        /// <summary>One of the user's properties, or the empty string.</summary>
        public string getUserProperties(string key) => key is null ? "" : _message.GetProperty(key) ?? "";

        /// <summary>The same as <see cref="getUserProperties(string)"/>.</summary>
        public string getUserProperty(string key) => getUserProperties(key);

        /// <summary>Replaces the user's properties.</summary>
        public void setUserProperties(IDictionary<string, string> userProperty)
        {
            Require.NotNull(userProperty, nameof(userProperty));
            _message.ClearProperties();
            foreach (KeyValuePair<string, string> property in userProperty)
            {
                putUserProperties(property.Key, property.Value);
            }
        }

        /// <summary>A copy of the user's properties.</summary>
        public IDictionary<string, string> getUserProperties() => _message.Properties.ToDictionary(p => p.Key, p => p.Value);

        /// <summary>Sets a system property; those with a setter here are set through it.</summary>
        public void putSystemProperties(string key, string value)
        {
            Require.NotNull(value, nameof(value));
            switch (Require.NotNull(key, nameof(key)))
            {
                case SystemPropKey.TAG: setTag(value); break;
                case SystemPropKey.KEY: setKey(value); break;
                case SystemPropKey.MSGID: setMsgID(value); break;
                case SystemPropKey.RECONSUMETIMES: setReconsumeTimes(Require.Int(value, key)); break;
                case SystemPropKey.STARTDELIVERTIME: setStartDeliverTime(Require.Long(value, key)); break;
                default: _message.SetSystemProperty(key, value); break;
            }
        }

        /// <summary>A system property, or the empty string.</summary>
        public string getSystemProperties(string key) => key is not null && getSystemProperties().TryGetValue(key, out string? value) ? value : "";

        /// <summary>Replaces the system properties.</summary>
        public void setSystemProperties(IDictionary<string, string> systemProperty)
        {
            Require.NotNull(systemProperty, nameof(systemProperty));
            _message.ClearSystemProperties();
            setTag("");
            setKey("");
            setMsgID("");
            setReconsumeTimes(0);
            setStartDeliverTime(0);
            foreach (KeyValuePair<string, string> property in systemProperty)
            {
                putSystemProperties(property.Key, property.Value);
            }
        }

        /// <summary>A copy of the system properties that are set.</summary>
        public IDictionary<string, string> getSystemProperties()
        {
            var properties = _message.SystemProperties.ToDictionary(p => p.Key, p => p.Value);
            AddIfSet(properties, SystemPropKey.TAG, getTag());
            AddIfSet(properties, SystemPropKey.KEY, getKey());
            AddIfSet(properties, SystemPropKey.MSGID, getMsgID());
            AddIfSet(properties, SystemPropKey.RECONSUMETIMES, getReconsumeTimes());
            AddIfSet(properties, SystemPropKey.STARTDELIVERTIME, getStartDeliverTime());
            return properties;
        }

        /// <summary>The topic.</summary>
        public string getTopic() => _message.Topic;

        /// <summary>Sets the topic.</summary>
        public void setTopic(string topic) => _message.Topic = topic ?? "";

        /// <summary>The tag.</summary>
        public string getTag() => _message.Tag;

        /// <summary>Sets the tag.</summary>
        public void setTag(string tags) => _message.Tag = tags ?? "";

        /// <summary>The business key.</summary>
        public string getKey() => _message.Key;

        /// <summary>Sets the business key.</summary>
        public void setKey(string keys) => _message.Key = keys ?? "";

        /// <summary>The id; empty until the message was sent.</summary>
        public string getMsgID() => _message.MessageId;

        /// <summary>Sets the id; a send gives a new one.</summary>
        public void setMsgID(string msgId) => _message.MessageId = msgId ?? "";

        /// <summary>When delivery starts, in milliseconds since the epoch; 0 is at once.</summary>
        public long getStartDeliverTime() => _message.StartDeliverTime?.ToUnixTimeMilliseconds() ?? 0;

        /// <summary>Sets when delivery starts, in milliseconds since the epoch.</summary>
        public void setStartDeliverTime(long level) =>
            _message.StartDeliverTime = level == 0 ? null : Require.Time(level, nameof(level));

        /// <summary>The body, read as UTF-8.</summary>
        public string getBody() => Encoding.UTF8.GetString(getByteBody());

        /// <summary>The same as <see cref="getBody"/>.</summary>
        public string getMsgBody() => getBody();

        /// <summary>A copy of the body.</summary>
        public byte[] getByteBody() => _message.Body.ToArray();

        /// <summary>The body's length in bytes.</summary>
        public int getBodySize() => _message.Body.Length;

        /// <summary>Sets the body to the UTF-8 form of a text.</summary>
        public void setMsgBody(string msgbody) => _message.Body = Encoding.UTF8.GetBytes(Require.NotNull(msgbody, nameof(msgbody)));

        /// <summary>The same as <see cref="setMsgBody"/>.</summary>
        public void setBody(string body) => setMsgBody(body);

        /// <summary>Sets the body to a copy of the first <paramref name="len"/> bytes.</summary>
        public void setBody(byte[] byte_msgbody, int len)
        {
            Require.NotNull(byte_msgbody, nameof(byte_msgbody));
            Require.InRange(len, 0, byte_msgbody.Length, nameof(len));
            _message.Body = new ReadOnlySpan<byte>(byte_msgbody, 0, len).ToArray();
        }

        /// <summary>How often it was given to the group before without success.</summary>
        public int getReconsumeTimes() => _message.ReconsumeTimes;

        /// <summary>Sets that number on this object.</summary>
        public void setReconsumeTimes(int reconsumeTimes) => _message.ReconsumeTimes = reconsumeTimes;

        /// <summary>When it was stored, in milliseconds since the epoch.</summary>
        public long getStoreTimestamp() => _message.StoreTimestamp.ToUnixTimeMilliseconds();

        /// <summary>Sets that time on this object.</summary>
        public void setStoreTimestamp(long storeTimestamp) =>
            _message.StoreTimestamp = Require.Time(storeTimestamp, nameof(storeTimestamp));

        /// <summary>Its place in its queue.</summary>
        public long getQueueOffset() => _message.QueueOffset;

        /// <summary>Sets that place on this object.</summary>
        public void setQueueOffset(long queueOffset) => _message.QueueOffset = queueOffset;

        /// <summary>Topic, properties and body in one line.</summary>
        public string toString() =>
            $"Message [topic={getTopic()}, systemProperties={toSystemString()}, userProperties={toUserString()}, body={getBody()}]";

        /// <summary>The system properties in one line.</summary>
        public string toSystemString() => ToLine(getSystemProperties());

        /// <summary>The user's properties in one line.</summary>
        public string toUserString() => ToLine(getUserProperties());

        /// <inheritdoc/>
        public override string ToString() => toString();

        private static void AddIfSet(Dictionary<string, string> properties, string name, string value)
        {
            if (value.Length != 0)
            {
                properties[name] = value;
            }
        }

        private static void AddIfSet(Dictionary<string, string> properties, string name, long value)
        {
            if (value != 0)
            {
                properties[name] = value.ToString(CultureInfo.InvariantCulture);
            }
        }

        private static string ToLine(IDictionary<string, string> properties) =>
            "{" + string.Join(", ", properties.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Key + "=" + p.Value)) + "}";
    }
}
