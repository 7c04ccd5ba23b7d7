namespace Ons
{
    /// <summary>A listener's verdict on a message.</summary>
    public enum ConsumeAction
    {
        /// <summary>Done: the message is not delivered to this group again.</summary>
        CommitMessage = 0,

        /// <summary>Failed: the message comes again after a delay, and goes to the dead-letter topic after the last retry.</summary>
        ReconsumeLater = 1,
    }
}
