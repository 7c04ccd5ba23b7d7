namespace Ons
{
    /// <summary>How much is logged.</summary>
    public enum LogLevel
    {
        /// <summary>Failures only.</summary>
        Error = 1,

        /// <summary>And what may become one.</summary>
        Warn = 2,

        /// <summary>And what happens seldom; the default.</summary>
        Info = 3,

        /// <summary>And what helps to find a fault.</summary>
        Debug = 4,
    }
}
