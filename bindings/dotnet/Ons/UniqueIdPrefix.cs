using System;
using System.Collections.Generic;

namespace Ons
{
    /// <summary>
    /// What the ids of all messages of one process begin with, and the number by which this process knows it. There are as many as
    /// processes whose messages were met, so few; beyond a limit no more are noted.
    /// </summary>
    internal sealed class UniqueIdPrefix
    {
        public const int ForeignMax = 4096;

        private static readonly Dictionary<(ulong High, ushort Low), UniqueIdPrefix> s_known = [];

        // By number; the first place stays empty, for the unset id. Replaced as a whole, so that it is read without a lock.
        private static volatile UniqueIdPrefix[] s_byNumber = [new UniqueIdPrefix(0, 0, 0)];

        // The one met last is nearly always the next.
        private static volatile UniqueIdPrefix s_last = s_byNumber[0];

        private readonly ushort _number;

        private UniqueIdPrefix(ulong high, ushort low, ushort number)
        {
            High = high;
            Low = low;
            _number = number;
        }

        public ulong High { get; }

        public ushort Low { get; }

        public static UniqueIdPrefix Of(ushort number) => s_byNumber[number];

        public static bool TryFind(ulong high, ushort low, bool isOwn, out ushort number)
        {
            UniqueIdPrefix last = s_last;
            if (last._number == 0 || last.High != high || last.Low != low)
            {
                UniqueIdPrefix? found = FindOrAdd(high, low, isOwn ? ushort.MaxValue : ForeignMax);
                if (found is null)
                {
                    number = 0;
                    return false;
                }

                s_last = last = found;
            }

            number = last._number;
            return true;
        }

        private static UniqueIdPrefix? FindOrAdd(ulong high, ushort low, int numberMax)
        {
            lock (s_known)
            {
                if (s_known.TryGetValue((high, low), out UniqueIdPrefix? known))
                {
                    return known;
                }

                UniqueIdPrefix[] byNumber = s_byNumber;
                if (byNumber.Length > numberMax)
                {
                    return null;
                }

                known = new UniqueIdPrefix(high, low, (ushort)byNumber.Length);
                Array.Resize(ref byNumber, byNumber.Length + 1);
                byNumber[known._number] = known;
                s_byNumber = byNumber;
                s_known.Add((high, low), known);
                return known;
            }
        }
    }
}
