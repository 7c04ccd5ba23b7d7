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

        /// <summary>What the library tells of a stored message; its id has 32 digits.</summary>
        internal static unsafe SendResult Of(string topic, byte* messageId, int queueId, long queueOffset)
        {
            if (!UniqueId.TryParse(messageId, UniqueId.Digits, isOwn: true, out UniqueId id))
            {
                throw new OnsException($"the library gave a message id that is not 32 hexadecimal digits: {Utf8.Decode(messageId, UniqueId.Digits)}");
            }

            return new SendResult(topic, id, queueId, queueOffset);
        }

        /// <summary>Reads a result that this caller owns, and frees it.</summary>
        internal static unsafe SendResult Take(ons_send_result* result, string topic)
        {
            try
            {
                byte* id;
                nuint idLength;
                int queueId;
                long queueOffset;
                ons_error* error;
                OnsException.Check(NativeMethods.ons_send_result_message_id(result, &id, &idLength, &error), error);
                OnsException.Check(NativeMethods.ons_send_result_queue_id(result, &queueId, &error), error);
                OnsException.Check(NativeMethods.ons_send_result_queue_offset(result, &queueOffset, &error), error);
                return idLength == UniqueId.Digits
                    ? Of(topic, id, queueId, queueOffset)
                    : throw new OnsException($"the library gave a message id that has not 32 digits: {Utf8.Decode(id, idLength)}");
            }
            finally
            {
                NativeMethods.ons_send_result_free(result);
            }
        }
    }
}
