namespace ons
{
    /// <summary>Names of the system properties that programs may read.</summary>
    public static class SystemPropKey
    {
        /// <summary>The tag.</summary>
        public const string TAG = "__TAG";

        /// <summary>The business key.</summary>
        public const string KEY = "__KEY";

        /// <summary>The message id.</summary>
        public const string MSGID = "__MSGID";

        /// <summary>How often it was given before without success.</summary>
        public const string RECONSUMETIMES = "__RECONSUMETIMES";

        /// <summary>When delivery starts.</summary>
        public const string STARTDELIVERTIME = "__STARTDELIVERTIME";
    }
}
