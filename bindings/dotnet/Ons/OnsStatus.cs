namespace Ons
{
    /// <summary>What kind of failure an <see cref="OnsException"/> tells of. The numbers are those of the C library and never change.</summary>
    public enum OnsStatus
    {
        /// <summary>No failure.</summary>
        Ok = 0,

        /// <summary>A fault inside the native library; it was contained, please report it.</summary>
        Panic = 1,

        /// <summary>A required value is missing.</summary>
        NullArgument = 2,

        /// <summary>A value is not acceptable; the message names it and the limit.</summary>
        InvalidArgument = 3,

        /// <summary>The call does not fit the client's state: not started, already shut down, or made from inside a listener.</summary>
        InvalidState = 4,

        /// <summary>No answer within the time allowed.</summary>
        Timeout = 5,

        /// <summary>Reading or writing the store failed; the message names the file and the cause.</summary>
        Storage = 6,

        /// <summary>The disk has no room for new messages; reading goes on.</summary>
        DiskFull = 7,

        /// <summary>The data directory belongs to another process; the message names its pid.</summary>
        DirectoryInUse = 8,

        /// <summary>This version of the library cannot do that yet.</summary>
        NotSupported = 9,

        /// <summary>The topic does not exist and is not created on demand.</summary>
        TopicNotExist = 10,

        /// <summary>Stored bytes are damaged; the message names the file and the offset.</summary>
        Corrupt = 11,

        /// <summary>The process was forked after the library was started; only the parent may use it.</summary>
        Forked = 12,

        /// <summary>The broker answered with another error.</summary>
        Broker = 13,
    }
}
