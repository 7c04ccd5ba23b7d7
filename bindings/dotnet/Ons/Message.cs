using System;
using System.Collections.Generic;
using System.Text;

namespace Ons
{
    /// <summary>
    /// A message to send, or one received. It is plain managed memory: nothing to dispose, and a received one may be kept as long
    /// as you like. Not for use by several threads at once.
    /// </summary>
    public sealed class Message
    {
        private static readonly Dictionary<string, string> s_noProperties = [];

        private string _topic = "";
        private string _tag = "";
        private string _key = "";
        private ReadOnlyMemory<byte> _body;
        private UniqueId _messageId;
        private MessageDetails? _details;

        /// <summary>An empty message.</summary>
        public Message()
        {
        }

        /// <summary>A message without a tag. The body is not copied: leave it unchanged until the send returned.</summary>
        public Message(string topic, ReadOnlyMemory<byte> body)
        {
            Topic = topic;
            _body = body;
        }

        /// <summary>A message with a tag. The body is not copied: leave it unchanged until the send returned.</summary>
        public Message(string topic, string tag, ReadOnlyMemory<byte> body)
            : this(topic, body) => Tag = tag;

        /// <summary>A message with a tag and a business key.</summary>
        public Message(string topic, string tag, string key, ReadOnlyMemory<byte> body)
            : this(topic, tag, body) => Key = key;

        /// <summary>A message whose body is the UTF-8 form of <paramref name="body"/>.</summary>
        public Message(string topic, string tag, string body)
            : this(topic, tag, Encoding.UTF8.GetBytes(body ?? throw new ArgumentNullException(nameof(body))))
        {
        }

        /// <summary>A message that was received.</summary>
        internal Message(string topic, string tag, string key, byte[] body, MessageDetails details)
        {
            _topic = topic;
            _tag = tag;
            _key = key;
            _body = body;
            _details = details;
        }

        /// <summary>The topic; the embedded broker creates a missing one at the first send.</summary>
        public string Topic
        {
            get => _topic;
            set => _topic = value ?? throw new ArgumentNullException(nameof(value));
        }

        /// <summary>The tag that subscriptions filter by; empty when it has none.</summary>
        public string Tag
        {
            get => _tag;
            set => _tag = value ?? throw new ArgumentNullException(nameof(value));
        }

        /// <summary>The business key, to find the message and to recognise a duplicate by; need not be unique.</summary>
        public string Key
        {
            get => _key;
            set => _key = value ?? throw new ArgumentNullException(nameof(value));
        }

        /// <summary>Any bytes, at least one, at most 4 MiB.</summary>
        public ReadOnlyMemory<byte> Body
        {
            get => _body;
            set => _body = value;
        }

        /// <summary>Set by the send before it returns; stays the same when the message is delivered again. Empty until then.</summary>
        public string MessageId
        {
            get => _details?.ForeignMessageId ?? _messageId.ToString();
            set => Details.ForeignMessageId = value ?? throw new ArgumentNullException(nameof(value));
        }

        /// <summary>When delivery starts; null is at once.</summary>
        public DateTimeOffset? StartDeliverTime
        {
            get => _details?.StartDeliverTimeMs is { } ms and not 0 ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;
            set => Details.StartDeliverTimeMs = value?.ToUnixTimeMilliseconds() ?? 0;
        }

        /// <summary>How often this message was given to the group before without success.</summary>
        public int ReconsumeTimes
        {
            get => _details?.ReconsumeTimes ?? 0;
            set => Details.ReconsumeTimes = value;
        }

        /// <summary>When the broker stored it; the epoch for a message that was not received.</summary>
        public DateTimeOffset StoreTimestamp
        {
            get => DateTimeOffset.FromUnixTimeMilliseconds(_details?.StoreTimestampMs ?? 0);
            set => Details.StoreTimestampMs = value.ToUnixTimeMilliseconds();
        }

        /// <summary>When the producer made it; the epoch for a message that was not received.</summary>
        public DateTimeOffset BornTimestamp => DateTimeOffset.FromUnixTimeMilliseconds(_details?.BornTimestampMs ?? 0);

        /// <summary>The queue it was received from.</summary>
        public int QueueId => _details?.QueueId ?? 0;

        /// <summary>Its place in that queue.</summary>
        public long QueueOffset
        {
            get => _details?.QueueOffset ?? 0;
            set => Details.QueueOffset = value;
        }

        /// <summary>The user's properties.</summary>
        public IReadOnlyDictionary<string, string> Properties => _details?.Properties ?? s_noProperties;

        /// <summary>Properties the system gave the message, other than those that have a member here.</summary>
        public IReadOnlyDictionary<string, string> SystemProperties => _details?.SystemProperties ?? s_noProperties;

        internal MessageDetails Details => _details ??= new MessageDetails();

        internal MessageDetails? DetailsIfAny => _details;

        /// <summary>Sets one of the user's properties.</summary>
        public void SetProperty(string name, string value) => Set(ref Details.Properties, name, value);

        /// <summary>Sets a system property that has no member here.</summary>
        public void SetSystemProperty(string name, string value) => Set(ref Details.SystemProperties, name, value);

        /// <summary>One of the user's properties, or null.</summary>
        public string? GetProperty(string name) => Properties.TryGetValue(name, out string? value) ? value : null;

        /// <summary>Removes all of the user's properties.</summary>
        public void ClearProperties() => _details?.Properties = null;

        /// <summary>Removes the system properties that have no member here.</summary>
        public void ClearSystemProperties() => _details?.SystemProperties = null;

        /// <summary>A copy that can be changed without changing this one; they share the body.</summary>
        public Message Clone()
        {
            var copy = (Message)MemberwiseClone();
            copy._details = _details?.Clone();
            return copy;
        }

        internal void SetMessageId(UniqueId id)
        {
            _messageId = id;
            _details?.ForeignMessageId = null;
        }

        private static void Set(ref Dictionary<string, string>? properties, string name, string value)
        {
            _ = name ?? throw new ArgumentNullException(nameof(name));
            _ = value ?? throw new ArgumentNullException(nameof(value));
            (properties ??= [])[name] = value;
        }
    }
}
