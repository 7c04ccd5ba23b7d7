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
            byte* text;
            nuint length;
            ons_error* error;
            var message = new Message();
            OnsException.Check(NativeMethods.ons_message_topic(source, &text, &length, &error), error);
            message.Topic = _topics.Decode(text, length);
            OnsException.Check(NativeMethods.ons_message_tag(source, &text, &length, &error), error);
            message.Tag = _tags.Decode(text, length);
            OnsException.Check(NativeMethods.ons_message_key(source, &text, &length, &error), error);
            message.Key = Utf8.Decode(text, length);
            OnsException.Check(NativeMethods.ons_message_body(source, &text, &length, &error), error);
            message.Body = new ReadOnlySpan<byte>(text, checked((int)length)).ToArray();
            NativeMessage.CopyMessageId(source, message);
            CopyDetails(source, message.Details);
            return message;
        }

        private static void CopyDetails(ons_message* source, MessageDetails details)
        {
            ons_error* error;
            long time;
            int number;
            OnsException.Check(NativeMethods.ons_message_start_deliver_time(source, &time, &error), error);
            details.StartDeliverTimeMs = time;
            OnsException.Check(NativeMethods.ons_message_store_timestamp(source, &time, &error), error);
            details.StoreTimestampMs = time;
            OnsException.Check(NativeMethods.ons_message_born_timestamp(source, &time, &error), error);
            details.BornTimestampMs = time;
            OnsException.Check(NativeMethods.ons_message_queue_offset(source, &time, &error), error);
            details.QueueOffset = time;
            OnsException.Check(NativeMethods.ons_message_queue_id(source, &number, &error), error);
            details.QueueId = number;
            OnsException.Check(NativeMethods.ons_message_reconsume_times(source, &number, &error), error);
            details.ReconsumeTimes = number;

            nuint count;
            OnsException.Check(NativeMethods.ons_message_property_count(source, &count, &error), error);
            CopyProperties(source, count, ref details.Properties, isSystem: false);
            OnsException.Check(NativeMethods.ons_message_system_property_count(source, &count, &error), error);
            CopyProperties(source, count, ref details.SystemProperties, isSystem: true);
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
