namespace ons
{
    /// <summary>Which cloud an account belongs to; means nothing to the embedded broker.</summary>
    public enum ONSChannel
    {
        /// <summary>The financial cloud.</summary>
        CLOUD = 0,

        /// <summary>The public cloud.</summary>
        ALIYUN = 1,

        /// <summary>Both.</summary>
        ALL = 2,
    }
}
