using System;
using System.Threading;
using System.Threading.Tasks;
using Ons.Native;

namespace Ons
{
    /// <summary>Sends messages. One producer serves all threads of a program; making one per thread is a misuse.</summary>
    public sealed unsafe class Producer : IDisposable, IAsyncDisposable
    {
        private readonly ProducerHandle _handle;

        /// <summary>Makes a producer; refuses settings this version does not support.</summary>
        public Producer(FactoryProperty property)
        {
            _ = property ?? throw new ArgumentNullException(nameof(property));
            using OnsHandle.Lease lease = property.Handle.Borrow();
            ons_producer* producer;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_producer_new((ons_factory_property*)lease.Pointer, &producer, &error), error);
            _handle = new ProducerHandle(producer);
        }

        /// <summary>Whether it was started and not yet shut down.</summary>
        public bool IsStarted
        {
            get
            {
                using OnsHandle.Lease lease = _handle.Borrow();
                int isStarted;
                ons_error* error;
                OnsException.Check(NativeMethods.ons_producer_is_started((ons_producer*)lease.Pointer, &isStarted, &error), error);
                return isStarted != 0;
            }
        }

        /// <summary>Whether it was shut down; it cannot be started again.</summary>
        public bool IsClosed
        {
            get
            {
                using OnsHandle.Lease lease = _handle.Borrow();
                return IsShutDown((ons_producer*)lease.Pointer);
            }
        }

        /// <summary>Opens the embedded broker, or joins the one this process already has for that directory.</summary>
        public void Start()
        {
            using OnsHandle.Lease lease = _handle.Borrow();
            var producer = (ons_producer*)lease.Pointer;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_producer_start(producer, &error), error);
#if !NET
            // Sends may be under way when an AppDomain of .NET Framework is unloaded.
            Running.Add(this, () => IsShutDown(producer));
#endif
        }

        /// <summary>Sends and waits until the message is stored as durably as the broker promises.</summary>
        public SendResult Send(Message message)
        {
            _ = message ?? throw new ArgumentNullException(nameof(message));
            using OnsHandle.Lease lease = _handle.Borrow();
            using var native = new NativeMessage(message);
            ons_send_result* result;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_producer_send((ons_producer*)lease.Pointer, native.Pointer, &result, &error), error);
            SendResult sent = SendResult.Take(result, message.Topic);
            message.SetMessageId(sent.Id);
            return sent;
        }

        /// <summary>
        /// Sends without waiting until the message is stored; the task ends once it is, as durably as the broker promises, and is
        /// often already complete. <see cref="Message.MessageId"/> is set on return. The body is copied before that too.
        /// While the disk is behind (2 MiB wait to be written, 512 KiB with ASYNC_FLUSH) the caller makes room: it writes them
        /// itself, or waits for the thread that does. While 131 072 sends are under way (16 384 of threads that share a part) it
        /// waits for one. After SendMsgTimeoutMillis of either wait the task fails, the message not stored.
        /// </summary>
        /// <param name="message">What to send.</param>
        /// <param name="cancellationToken">Ends the wait, not the send: a cancelled message may be stored nevertheless.</param>
        public Task<SendResult> SendAsync(Message message, CancellationToken cancellationToken = default)
        {
            _ = message ?? throw new ArgumentNullException(nameof(message));
            if (cancellationToken.IsCancellationRequested)
            {
                return Task.FromCanceled<SendResult>(cancellationToken);
            }

            Task<SendResult> sending = SendAsync(message);
            return cancellationToken.CanBeCanceled && !sending.IsCompleted ? CancellableWait.On(sending, cancellationToken) : sending;
        }

        /// <summary>
        /// Sends without telling whether it was stored; the fastest, for messages that may be lost. While the disk is behind the
        /// caller makes room, as in <see cref="SendAsync(Message, CancellationToken)"/>.
        /// </summary>
        public void SendOneway(Message message)
        {
            _ = message ?? throw new ArgumentNullException(nameof(message));
            using OnsHandle.Lease lease = _handle.Borrow();
            using var native = new NativeMessage(message);
            ons_error* error;
            OnsException.Check(NativeMethods.ons_producer_send_oneway((ons_producer*)lease.Pointer, native.Pointer, &error), error);
            NativeMessage.CopyMessageId(native.Pointer, message);
        }

        /// <summary>
        /// Waits for pending asynchronous sends, at most SendMsgTimeoutMillis and a second, and ends the producer for good. The task
        /// of one without an answer by then fails: unknown whether it is stored. A second call does nothing; a call from inside a
        /// callback of the library throws.
        /// </summary>
        public void Shutdown()
        {
            using OnsHandle.Lease lease = _handle.Borrow();
            ons_error* error;
            OnsException.Check(NativeMethods.ons_producer_shutdown((ons_producer*)lease.Pointer, &error), error);
            PendingSends.Settle();
            Running.Remove(this);
        }

        /// <summary>Shuts down if that was not done, and frees the native producer.</summary>
        public void Dispose()
        {
            if (!_handle.IsClosed)
            {
                Shutdown();
                _handle.Dispose();
            }
        }

        /// <summary>As <see cref="Dispose"/>, without blocking the caller.</summary>
        public ValueTask DisposeAsync()
        {
            if (!Callbacks.IsInside)
            {
                return new ValueTask(Task.Run(Dispose));
            }

            // Throws, as it should: another thread would wait for this one instead.
            Dispose();
            return default;
        }

        private static bool IsShutDown(ons_producer* producer)
        {
            int isClosed;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_producer_is_closed(producer, &isClosed, &error), error);
            return isClosed != 0;
        }

        private Task<SendResult> SendAsync(Message message)
        {
            using OnsHandle.Lease lease = _handle.Borrow();
            PendingSends pending = PendingSends.Shared;
            ulong token = pending.Add(this, message.Topic, out Task<SendResult> sending);
            int isDone = 1;
            try
            {
                byte* messageId = stackalloc byte[UniqueId.Digits];
                int queueId;
                long queueOffset;
                Submit((ons_producer*)lease.Pointer, message, pending.Pointer, token, &isDone, messageId, &queueId, &queueOffset);
                var sent = SendResult.Of(message.Topic, messageId, queueId, queueOffset);
                message.SetMessageId(sent.Id);
                return isDone == 0 ? sending : Task.FromResult(sent);
            }
            catch (OnsException e)
            {
                return Task.FromException<SendResult>(e);
            }
            finally
            {
                if (isDone != 0)
                {
                    pending.Remove(token);
                }
            }
        }

        private static void Submit(
            ons_producer* producer, Message message, ons_completions* completions, ulong token, int* isDone, byte* messageId, int* queueId, long* queueOffset)
        {
            ons_error* error;
            if (message.DetailsIfAny is { GoesOut: true })
            {
                using var native = new NativeMessage(message);
                OnsException.Check(
                    NativeMethods.ons_producer_send_collected(producer, native.Pointer, completions, token, isDone, messageId, queueId, queueOffset, &error),
                    error);
                return;
            }

            using var topic = new Utf8Argument(message.Topic, stackalloc byte[Utf8Argument.StackBytes]);
            using var tag = new Utf8Argument(message.Tag, stackalloc byte[Utf8Argument.StackBytes]);
            using var key = new Utf8Argument(message.Key, stackalloc byte[Utf8Argument.StackBytes]);
            fixed (byte* topicText = topic)
            fixed (byte* tagText = tag)
            fixed (byte* keyText = key)
            fixed (byte* body = message.Body.Span)
            {
                OnsException.Check(
                    NativeMethods.ons_producer_send_parts_collected(
                        producer, topicText, topic.Length, tagText, tag.Length, keyText, key.Length, body, (nuint)message.Body.Length,
                        completions, token, isDone, messageId, queueId, queueOffset, &error),
                    error);
            }
        }
    }
}
