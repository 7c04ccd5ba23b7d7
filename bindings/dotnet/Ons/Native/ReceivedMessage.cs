using System;
using System.Collections.Generic;

namespace Ons.Native
{
    /// <summary>
    /// Copies a message out of the library's memory, which is only lent for the listener call, into managed memory, which the
    /// program may keep.
    /// </summary>
    internal sealed unsafe class ReceivedMessage
    {
        private readonly Utf8Cache _topics = new();
        private readonly Utf8Cache _tags = new();

        public Message Copy(ons_message* source)
        {
            byte* topic;
            byte* tag;
            byte* key;
            byte* body;
            byte* id;
            nuint topicLength;
            nuint tagLength;
            nuint keyLength;
            nuint bodyLength;
            nuint idLength;
            long startDeliverTime;
            long storeTimestamp;
            long bornTimestamp;
            long queueOffset;
            int queueId;
            int reconsumeTimes;
            nuint propertyCount;
            nuint otherSystemPropertyCount;
            ons_error* error;
            OnsException.Check(
                NativeMethods.ons_message_parts(
                    source, &topic, &topicLength, &tag, &tagLength, &key, &keyLength, &body, &bodyLength, &id, &idLength, &startDeliverTime,
                    &storeTimestamp, &bornTimestamp, &queueOffset, &queueId, &reconsumeTimes, &propertyCount, &otherSystemPropertyCount, &error),
                error);
            var details = new MessageDetails
            {
                StartDeliverTimeMs = startDeliverTime,
                StoreTimestampMs = storeTimestamp,
                BornTimestampMs = bornTimestamp,
                QueueOffset = queueOffset,
                QueueId = queueId,
                ReconsumeTimes = reconsumeTimes,
            };
            CopyProperties(source, propertyCount, ref details.Properties, isSystem: false);
            if (otherSystemPropertyCount != 0)
            {
                nuint count;
                OnsException.Check(NativeMethods.ons_message_system_property_count(source, &count, &error), error);
                CopyProperties(source, count, ref details.SystemProperties, isSystem: true);
            }

            var message = new Message(_topics.Decode(topic, topicLength), _tags.Decode(tag, tagLength), Utf8.Decode(key, keyLength), CopyBody(body, bodyLength), details);
            NativeMessage.SetMessageId(message, id, idLength);
            return message;
        }

        private static byte[] CopyBody(byte* body, nuint length)
        {
#if NET
            // Every byte is written at once.
            byte[] copy = GC.AllocateUninitializedArray<byte>(checked((int)length));
            new ReadOnlySpan<byte>(body, copy.Length).CopyTo(copy);
            return copy;
#else
            return new ReadOnlySpan<byte>(body, checked((int)length)).ToArray();
#endif
        }

        private static void CopyProperties(ons_message* source, nuint count, ref Dictionary<string, string>? properties, bool isSystem)
        {
            for (nuint i = 0; i < count; i++)
            {
                byte* name;
                nuint nameLength;
                byte* value;
                nuint valueLength;
                ons_error* error;
                OnsException.Check(
                    isSystem
                        ? NativeMethods.ons_message_system_property_at(source, i, &name, &nameLength, &value, &valueLength, &error)
                        : NativeMethods.ons_message_property_at(source, i, &name, &nameLength, &value, &valueLength, &error),
                    error);
                if (!isSystem || !HasMember(new ReadOnlySpan<byte>(name, checked((int)nameLength))))
                {
                    (properties ??= [])[Utf8.Decode(name, nameLength)] = Utf8.Decode(value, valueLength);
                }
            }
        }

        /// <summary>Whether a system property is read through a member of Message.</summary>
        private static bool HasMember(ReadOnlySpan<byte> name) =>
            name.SequenceEqual("__TAG"u8) || name.SequenceEqual("__KEY"u8) || name.SequenceEqual("__MSGID"u8)
            || name.SequenceEqual("__RECONSUMETIMES"u8) || name.SequenceEqual("__STARTDELIVERTIME"u8);
    }
}
