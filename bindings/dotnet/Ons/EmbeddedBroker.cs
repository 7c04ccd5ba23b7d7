using System;
using Ons.Native;

namespace Ons
{
    /// <summary>
    /// The broker that lives in this process, for programs that want to hold it or to test with it. Clients reach it with
    /// <c>ONSAddr = embedded:DIRECTORY</c>; it ends with its last user.
    /// </summary>
    public sealed unsafe class EmbeddedBroker : IDisposable
    {
        private readonly BrokerHandle _handle;

        private EmbeddedBroker(BrokerHandle handle) => _handle = handle;

        /// <summary>Messages stored by all topics since the broker was opened.</summary>
        public long MessagesAppended => Statistic("messages_appended");

        /// <summary>Opens the broker of a directory, or joins the one this process already has for it.</summary>
        /// <param name="directory">Where the messages are kept; made if it does not exist.</param>
        /// <param name="settings"><c>FlushDiskType</c>, <c>FileReservedTime</c>, <c>DiskMaxUsedSpaceRatio</c>; null for the defaults.</param>
        public static EmbeddedBroker Open(string directory, FactoryProperty? settings = null) =>
            Open(directory, settings, ons_clock.ONS_CLOCK_SYSTEM);

        /// <summary>
        /// Opens a broker whose clock only <see cref="AdvanceTime"/> moves, so that a test of a two-hour retry takes no time.
        /// </summary>
        /// <param name="directory">Where the messages are kept; made if it does not exist.</param>
        /// <param name="settings"><c>FlushDiskType</c>, <c>FileReservedTime</c>, <c>DiskMaxUsedSpaceRatio</c>; null for the defaults.</param>
        public static EmbeddedBroker OpenWithManualClock(string directory, FactoryProperty? settings = null) =>
            Open(directory, settings, ons_clock.ONS_CLOCK_MANUAL);

        /// <summary>Moves a manual clock, and does everything that becomes due before it returns.</summary>
        public void AdvanceTime(TimeSpan duration)
        {
            using OnsHandle.Lease lease = _handle.Borrow();
            ons_error* error;
            OnsException.Check(
                NativeMethods.ons_broker_advance_time((ons_broker*)lease.Pointer, checked((long)duration.TotalMilliseconds), &error), error);
        }

        /// <summary>
        /// One of <c>messages_appended bytes_appended writes syncs segments log_bytes timers_waiting topics groups</c>.
        /// </summary>
        public long Statistic(string name)
        {
            _ = name ?? throw new ArgumentNullException(nameof(name));
            using OnsHandle.Lease lease = _handle.Borrow();
            using var nameArgument = new Utf8Argument(name, stackalloc byte[Utf8Argument.StackBytes]);
            fixed (byte* nameText = nameArgument)
            {
                long value;
                ons_error* error;
                OnsException.Check(
                    NativeMethods.ons_broker_statistic((ons_broker*)lease.Pointer, nameText, nameArgument.Length, &value, &error), error);
                return value;
            }
        }

        /// <summary>How many messages of a topic a group has yet to consume.</summary>
        public long Backlog(string group, string topic)
        {
            _ = group ?? throw new ArgumentNullException(nameof(group));
            _ = topic ?? throw new ArgumentNullException(nameof(topic));
            using OnsHandle.Lease lease = _handle.Borrow();
            using var groupArgument = new Utf8Argument(group, stackalloc byte[Utf8Argument.StackBytes]);
            using var topicArgument = new Utf8Argument(topic, stackalloc byte[Utf8Argument.StackBytes]);
            fixed (byte* groupText = groupArgument)
            fixed (byte* topicText = topicArgument)
            {
                long messages;
                ons_error* error;
                OnsException.Check(
                    NativeMethods.ons_broker_backlog(
                        (ons_broker*)lease.Pointer, groupText, groupArgument.Length, topicText, topicArgument.Length, &messages, &error),
                    error);
                return messages;
            }
        }

        /// <summary>Lets go of the broker; it ends when its last client has shut down too.</summary>
        public void Dispose()
        {
            if (!_handle.IsClosed)
            {
                Close();
                _handle.Dispose();
            }
        }

        private static EmbeddedBroker Open(string directory, FactoryProperty? settings, ons_clock clock)
        {
            _ = directory ?? throw new ArgumentNullException(nameof(directory));
            Library.Load();
            if (settings is null)
            {
                return Open(directory, (ons_factory_property*)null, clock);
            }

            using OnsHandle.Lease lease = settings.Handle.Borrow();
            return Open(directory, (ons_factory_property*)lease.Pointer, clock);
        }

        private static EmbeddedBroker Open(string directory, ons_factory_property* settings, ons_clock clock)
        {
            using var directoryArgument = new Utf8Argument(directory, stackalloc byte[Utf8Argument.StackBytes]);
            fixed (byte* directoryText = directoryArgument)
            {
                ons_broker* broker;
                ons_error* error;
                OnsException.Check(
                    NativeMethods.ons_broker_open(directoryText, directoryArgument.Length, settings, clock, &broker, &error), error);
                return new EmbeddedBroker(new BrokerHandle(broker));
            }
        }

        private void Close()
        {
            using OnsHandle.Lease lease = _handle.Borrow();
            ons_error* error;
            OnsException.Check(NativeMethods.ons_broker_close((ons_broker*)lease.Pointer, &error), error);
        }
    }
}
