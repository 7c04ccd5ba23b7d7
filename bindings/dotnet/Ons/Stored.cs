namespace Ons
{
    /// <summary>Whether a message whose send failed is in the store nevertheless.</summary>
    public enum Stored
    {
        /// <summary>Certainly not: sending it again cannot double it.</summary>
        No = 0,

        /// <summary>It is stored.</summary>
        Yes = 1,

        /// <summary>It may be or not: sending it again may double it.</summary>
        Unknown = 2,
    }
}
