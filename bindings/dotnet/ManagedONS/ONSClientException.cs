using System;

namespace ons
{
    /// <summary>A failed call. The message names what is wrong, the limit, and what to do.</summary>
    public class ONSClientException : Exception
    {
        private readonly int _error;

        /// <summary>A failure without a text.</summary>
        public ONSClientException()
        {
        }

        /// <summary>A failure told to a person only.</summary>
        public ONSClientException(string message)
            : base(message)
        {
        }

        /// <summary>A failure and its cause.</summary>
        public ONSClientException(string message, Exception innerException)
            : base(message, innerException)
        {
        }

        /// <summary>A failure with its number.</summary>
        public ONSClientException(string msg, int error)
            : base(msg) => _error = error;

        internal ONSClientException(global::Ons.OnsException cause)
            : base(cause.Message, cause) => _error = NumberOf(cause.Status);

        /// <summary>The text.</summary>
        public string what() => Message;

        /// <summary>The text.</summary>
        public string GetMsg() => Message;

        /// <summary>The number: -1 for a wrong call, else one of <see cref="global::Ons.OnsStatus"/>.</summary>
        public int GetError() => _error;

        private static int NumberOf(global::Ons.OnsStatus status) =>
            status is global::Ons.OnsStatus.NullArgument or global::Ons.OnsStatus.InvalidArgument ? Require.WrongCall : (int)status;
    }
}
