namespace ons
{
    /// <summary>A listener's verdict on a message.</summary>
    public enum Action
    {
        /// <summary>Done.</summary>
        CommitMessage = 0,

        /// <summary>Failed: deliver it again later.</summary>
        ReconsumeLater = 1,
    }
}
