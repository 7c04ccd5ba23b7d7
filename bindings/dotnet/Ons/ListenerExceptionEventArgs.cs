using System;

namespace Ons
{
    /// <summary>An exception that left a listener.</summary>
    public sealed class ListenerExceptionEventArgs : EventArgs
    {
        internal ListenerExceptionEventArgs(Message message, Exception exception)
        {
            Message = message;
            Exception = exception;
        }

        /// <summary>The message it could not handle; it will be delivered again.</summary>
        public Message Message { get; }

        /// <summary>What the listener threw.</summary>
        public Exception Exception { get; }
    }
}
