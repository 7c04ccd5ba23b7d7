using System;
using System.Threading.Tasks;
using Ons.Native;

namespace Ons
{
    /// <summary>
    /// Receives the messages of the topics it subscribed to. Once started it runs until it is shut down, whether the program
    /// still holds a reference to it or not.
    /// </summary>
    public sealed unsafe class PushConsumer : IDisposable, IAsyncDisposable
    {
        // A listener that awaits may have begun a shutdown as its last act, or wait for it for ever; this long they are not told apart.
        private static readonly TimeSpan s_listenerPatience = TimeSpan.FromSeconds(1);

        private readonly object _listenersOwner = new();
        private readonly PushConsumerHandle _handle;

        /// <summary>Makes a consumer; refuses settings this version does not support.</summary>
        public PushConsumer(FactoryProperty property)
        {
            _ = property ?? throw new ArgumentNullException(nameof(property));
            using OnsHandle.Lease lease = property.Handle.Borrow();
            ons_push_consumer* consumer;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_push_consumer_new((ons_factory_property*)lease.Pointer, &consumer, &error), error);
            _handle = new PushConsumerHandle(consumer);
        }

        /// <summary>
        /// Raised, on the listener's thread, when a listener threw. Without a handler the exception goes to
        /// <see cref="System.Diagnostics.Trace"/>.
        /// </summary>
        public event EventHandler<ListenerExceptionEventArgs>? ListenerException;

        /// <summary>Whether it was started and not yet shut down.</summary>
        public bool IsStarted
        {
            get
            {
                using OnsHandle.Lease lease = _handle.Borrow();
                int isStarted;
                ons_error* error;
                OnsException.Check(NativeMethods.ons_push_consumer_is_started((ons_push_consumer*)lease.Pointer, &isStarted, &error), error);
                return isStarted != 0;
            }
        }

        /// <summary>Whether it was shut down; it cannot be started again.</summary>
        public bool IsClosed
        {
            get
            {
                using OnsHandle.Lease lease = _handle.Borrow();
                return IsShutDown((ons_push_consumer*)lease.Pointer);
            }
        }

        /// <summary>Subscribes, before or after the start; a later subscription to the same topic replaces the earlier.</summary>
        /// <param name="topic">The topic.</param>
        /// <param name="expression"><c>*</c>, or the wanted tags: <c>TagA||TagB</c>.</param>
        /// <param name="listener">Kept alive until it is replaced, unsubscribed or shut down.</param>
        public void Subscribe(string topic, string expression, MessageListener listener)
        {
            _ = topic ?? throw new ArgumentNullException(nameof(topic));
            _ = expression ?? throw new ArgumentNullException(nameof(expression));
            _ = listener ?? throw new ArgumentNullException(nameof(listener));
            using OnsHandle.Lease lease = _handle.Borrow();
            using var topicArgument = new Utf8Argument(topic, stackalloc byte[Utf8Argument.StackBytes]);
            using var expressionArgument = new Utf8Argument(expression, stackalloc byte[Utf8Argument.StackBytes]);
            fixed (byte* topicText = topicArgument)
            fixed (byte* expressionText = expressionArgument)
            {
                void* subscription = Callbacks.Hold(new Subscription(listener, new WeakReference<PushConsumer>(this)));
                ons_error* error;
                OnsException.Check(
                    NativeMethods.ons_push_consumer_subscribe(
                        (ons_push_consumer*)lease.Pointer, topicText, topicArgument.Length, expressionText, expressionArgument.Length, Callbacks.Listener, subscription, Callbacks.FreeTarget, &error),
                    error);
            }
        }

        /// <summary>Subscribes with a listener that awaits.</summary>
        /// <param name="topic">The topic.</param>
        /// <param name="expression"><c>*</c>, or the wanted tags: <c>TagA||TagB</c>.</param>
        /// <param name="listener">Kept alive until it is replaced, unsubscribed or shut down.</param>
        public void Subscribe(string topic, string expression, AsyncMessageListener listener)
        {
            _ = listener ?? throw new ArgumentNullException(nameof(listener));
            object owner = _listenersOwner;
            Subscribe(topic, expression, (MessageListener)(message => AwaitingListener.Run(listener, message, owner)));
        }

        /// <summary>Ends the subscription to a topic.</summary>
        public void Unsubscribe(string topic)
        {
            _ = topic ?? throw new ArgumentNullException(nameof(topic));
            using OnsHandle.Lease lease = _handle.Borrow();
            using var topicArgument = new Utf8Argument(topic, stackalloc byte[Utf8Argument.StackBytes]);
            fixed (byte* topicText = topicArgument)
            {
                ons_error* error;
                OnsException.Check(NativeMethods.ons_push_consumer_unsubscribe((ons_push_consumer*)lease.Pointer, topicText, topicArgument.Length, &error), error);
            }
        }

        /// <summary>Opens the embedded broker, or joins the one this process already has for that directory, and begins to receive.</summary>
        public void Start()
        {
            using OnsHandle.Lease lease = _handle.Borrow();
            var consumer = (ons_push_consumer*)lease.Pointer;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_push_consumer_start(consumer, &error), error);
            Running.Add(this, () => IsShutDown(consumer));
        }

        /// <summary>
        /// Waits for running listeners, at most 30 s, records how far the group came, and ends the consumer for good. A listener
        /// that has not returned by then is left behind, which a warning in the log tells; its message and those finished behind it
        /// come again. A second call does nothing; a call from inside a listener throws. One that awaits belongs to that with all it
        /// started: there the call throws after a second, unless the listener has ended by then.
        /// </summary>
        public void Shutdown()
        {
            if (!Callbacks.IsInside && AwaitingListener.Outlasts(s_listenerPatience, _listenersOwner))
            {
                throw OnsException.InvalidState(
                    "Shutdown() of a consumer was called from inside one of its listeners, which it would have to wait for: call it from elsewhere, or let the listener end");
            }

            using OnsHandle.Lease lease = _handle.Borrow();
            ons_error* error;
            OnsException.Check(NativeMethods.ons_push_consumer_shutdown((ons_push_consumer*)lease.Pointer, &error), error);
            Running.Remove(this);
        }

        /// <summary>Shuts down if that was not done, and frees the native consumer.</summary>
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

        private static bool IsShutDown(ons_push_consumer* consumer)
        {
            int isClosed;
            ons_error* error;
            OnsException.Check(NativeMethods.ons_push_consumer_is_closed(consumer, &isClosed, &error), error);
            return isClosed != 0;
        }

        /// <summary>Tells the program of a listener's exception; false when nobody listens.</summary>
        internal bool ReportListenerException(Message message, Exception exception)
        {
            EventHandler<ListenerExceptionEventArgs>? handler = ListenerException;
            handler?.Invoke(this, new ListenerExceptionEventArgs(message, exception));
            return handler is not null;
        }
    }
}
