using System.Collections.Generic;

namespace Ons.Native
{
    /// <summary>A managed message's native twin, alive for one send.</summary>
    internal unsafe ref struct NativeMessage
    {
        private ons_message* _message;

        public NativeMessage(Message message)
        {
            using var topic = new Utf8Argument(message.Topic, stackalloc byte[Utf8Argument.StackBytes]);
            using var tag = new Utf8Argument(message.Tag, stackalloc byte[Utf8Argument.StackBytes]);
            using var key = new Utf8Argument(message.Key, stackalloc byte[Utf8Argument.StackBytes]);
            fixed (byte* topicText = topic)
            fixed (byte* tagText = tag)
            fixed (byte* keyText = key)
            fixed (byte* body = message.Body.Span)
            {
                ons_message* twin;
                ons_error* error;
                OnsException.Check(
                    NativeMethods.ons_message_new_with(topicText, topic.Length, tagText, tag.Length, keyText, key.Length, body, (nuint)message.Body.Length, &twin, &error),
                    error);
                _message = twin;
            }

            if (message.DetailsIfAny is { } details)
            {
                WriteOrFree(details);
            }
        }

        public readonly ons_message* Pointer => _message;

        /// <summary>Gives a managed message the id of a native one.</summary>
        public static void CopyMessageId(ons_message* source, Message target)
        {
            byte* text;
            nuint length;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_message_message_id(source, &text, &length, &error), error);
            SetMessageId(target, text, length);
        }

        public static void SetMessageId(Message target, byte* text, nuint length)
        {
            if (UniqueId.TryParse(text, length, out UniqueId id))
            {
                target.SetMessageId(id);
            }
            else
            {
                target.MessageId = Utf8.Decode(text, length);
            }
        }

        public void Dispose()
        {
            NativeMethods.ons_message_free(_message);
            _message = null;
        }

        private void WriteOrFree(MessageDetails details)
        {
            try
            {
                Write(details);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        private readonly void Write(MessageDetails details)
        {
            ons_error* error;
            if (details.StartDeliverTimeMs != 0)
            {
                OnsException.Check(NativeMethods.ons_message_set_start_deliver_time(_message, details.StartDeliverTimeMs, &error), error);
            }

            Write(details.Properties, isSystem: false);
            Write(details.SystemProperties, isSystem: true);
        }

        private readonly void Write(Dictionary<string, string>? properties, bool isSystem)
        {
            if (properties is null)
            {
                return;
            }

            foreach (KeyValuePair<string, string> property in properties)
            {
                WriteOne(property.Key, property.Value, isSystem);
            }
        }

        private readonly void WriteOne(string name, string value, bool isSystem)
        {
            using var nameArgument = new Utf8Argument(name, stackalloc byte[Utf8Argument.StackBytes]);
            using var valueArgument = new Utf8Argument(value, stackalloc byte[Utf8Argument.StackBytes]);
            fixed (byte* nameText = nameArgument)
            fixed (byte* valueText = valueArgument)
            {
                ons_error* error;
                OnsException.Check(
                    isSystem
                        ? NativeMethods.ons_message_set_system_property(_message, nameText, nameArgument.Length, valueText, valueArgument.Length, &error)
                        : NativeMethods.ons_message_set_property(_message, nameText, nameArgument.Length, valueText, valueArgument.Length, &error),
                    error);
            }
        }
    }
}
