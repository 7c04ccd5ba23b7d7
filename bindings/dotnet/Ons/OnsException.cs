using System;
using Ons.Native;

namespace Ons
{
    /// <summary>A failed call of the native library. The message names what is wrong, the limit, and what to do.</summary>
    public sealed class OnsException : Exception
    {
        /// <summary>A failure without a text.</summary>
        public OnsException()
        {
        }

        /// <summary>A failure told to a person only.</summary>
        public OnsException(string message)
            : base(message)
        {
        }

        /// <summary>A failure and its cause.</summary>
        public OnsException(string message, Exception innerException)
            : base(message, innerException)
        {
        }

        private OnsException(string message, OnsStatus status, bool isRetriable, bool isFatal, Stored stored)
            : base(message)
        {
            Status = status;
            IsRetriable = isRetriable;
            IsFatal = isFatal;
            Stored = stored;
        }

        /// <summary>The kind of failure.</summary>
        public OnsStatus Status { get; }

        /// <summary>Whether the same call may succeed later with the same arguments.</summary>
        public bool IsRetriable { get; }

        /// <summary>Whether this client can do no more: only a new one can, once the cause is gone.</summary>
        public bool IsFatal { get; }

        /// <summary>For a failed send: whether the message is in the store nevertheless.</summary>
        public Stored Stored { get; }

        /// <summary>What the library answers to a call it would have to wait for itself in.</summary>
        internal static OnsException InvalidState(string message) => new(message, OnsStatus.InvalidState, false, false, Stored.No);

        /// <summary>Throws what a native call reports, and frees the native error.</summary>
        internal static unsafe void Check(ons_status status, ons_error* error)
        {
            if (status != ons_status.ONS_OK)
            {
                throw Take(status, error);
            }
        }

        /// <summary>The exception for an error this caller owns; frees it.</summary>
        internal static unsafe OnsException Take(ons_status status, ons_error* error)
        {
            try
            {
                return Read(status, error);
            }
            finally
            {
                NativeMethods.ons_error_free(error);
            }
        }

        private static unsafe OnsException Read(ons_status status, ons_error* error)
        {
            if (error == null)
            {
                return new OnsException($"the native library answered {status}", (OnsStatus)status, false, false, Stored.Unknown);
            }

            byte* text;
            nuint length;
            int isRetriable;
            int isFatal;
            ons_stored stored;
            bool isWhole = NativeMethods.ons_error_message(error, &text, &length) == ons_status.ONS_OK
                & NativeMethods.ons_error_is_retriable(error, &isRetriable) == ons_status.ONS_OK
                & NativeMethods.ons_error_is_fatal(error, &isFatal) == ons_status.ONS_OK
                & NativeMethods.ons_error_stored(error, &stored) == ons_status.ONS_OK;
            return isWhole
                ? new OnsException(Utf8.Decode(text, length), (OnsStatus)status, isRetriable != 0, isFatal != 0, (Stored)stored)
                : Read(status, null);
        }

        /// <summary>The exception for an error this caller owns and has no status beside; frees it.</summary>
        internal static unsafe OnsException Take(ons_error* error)
        {
            ons_status status;
            return Take(NativeMethods.ons_error_status(error, &status) == ons_status.ONS_OK ? status : ons_status.ONS_PANIC, error);
        }
    }
}
