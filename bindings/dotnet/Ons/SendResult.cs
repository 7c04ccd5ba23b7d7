using System;
using System.Runtime.InteropServices;
using Ons.Native;

namespace Ons
{
    /// <summary>Where a message was stored. It exists only for messages that are.</summary>
    [StructLayout(LayoutKind.Auto)]
    public readonly struct SendResult : IEquatable<SendResult>
    {
        private readonly string? _topic;
        private readonly UniqueId _messageId;

        private SendResult(string topic, UniqueId messageId, int queueId, long queueOffset)
        {
            _topic = topic;
            _messageId = messageId;
            QueueId = queueId;
            QueueOffset = queueOffset;
        }

        /// <summary>The message's id: 32 upper-case hexadecimal digits.</summary>
        public string MessageId => _messageId.ToString();

        /// <summary>The topic it was sent to.</summary>
        public string Topic => _topic ?? "";

        /// <summary>The queue of the topic that holds it.</summary>
        public int QueueId { get; }

        /// <summary>Its place in that queue.</summary>
        public long QueueOffset { get; }

        internal UniqueId Id => _messageId;

        /// <summary>Whether both tell of the same stored message.</summary>
        public static bool operator ==(SendResult left, SendResult right) => left.Equals(right);

        /// <summary>Whether they tell of different messages.</summary>
        public static bool operator !=(SendResult left, SendResult right) => !left.Equals(right);

        /// <inheritdoc/>
        public bool Equals(SendResult other) =>
            _messageId == other._messageId && QueueId == other.QueueId && QueueOffset == other.QueueOffset && Topic == other.Topic;

        /// <inheritdoc/>
        public override bool Equals(object? obj) => obj is SendResult other && Equals(other);

        /// <inheritdoc/>
        public override int GetHashCode() => _messageId.GetHashCode();

        /// <inheritdoc/>
        public override string ToString() => $"{MessageId} in queue {QueueId} of {Topic} at {QueueOffset}";

        /// <summary>Reads a result that this caller owns, and frees it.</summary>
        internal static unsafe SendResult Take(ons_send_result* result, string topic)
        {
            try
            {
                return Read(result, topic);
            }
            finally
            {
                NativeMethods.ons_send_result_free(result);
            }
        }

        /// <summary>Reads a result that stays the library's.</summary>
        internal static unsafe SendResult Read(ons_send_result* result, string topic)
        {
            byte* id;
            nuint idLength;
            int queueId;
            long queueOffset;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_send_result_message_id(result, &id, &idLength, &error), error);
            OnsException.Check(NativeMethods.ons_send_result_queue_id(result, &queueId, &error), error);
            OnsException.Check(NativeMethods.ons_send_result_queue_offset(result, &queueOffset, &error), error);
            if (!UniqueId.TryParse(id, idLength, out UniqueId messageId))
            {
                throw new OnsException($"the library gave a message id that is not 32 hexadecimal digits: {Utf8.Decode(id, idLength)}");
            }

            return new SendResult(topic, messageId, queueId, queueOffset);
        }
    }
}
