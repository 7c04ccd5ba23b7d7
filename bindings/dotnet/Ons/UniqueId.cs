using System;
using System.Runtime.InteropServices;

namespace Ons
{
    /// <summary>
    /// A message id in 16 bytes instead of the 88 of its text: most programs never read it, and a send should not pay for it.
    /// </summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly struct UniqueId : IEquatable<UniqueId>
    {
        private const int Digits = 32;
        private const string UpperHex = "0123456789ABCDEF";

        private readonly ulong _high;
        private readonly ulong _low;

        private UniqueId(ulong high, ulong low)
        {
            _high = high;
            _low = low;
        }

        public bool IsUnset => (_high | _low) == 0;

        public static bool operator ==(UniqueId left, UniqueId right) => left.Equals(right);

        public static bool operator !=(UniqueId left, UniqueId right) => !left.Equals(right);

        /// <summary>Takes exactly the ids it can give back unchanged: 32 upper-case digits, not all of them zero.</summary>
        public static unsafe bool TryParse(byte* text, nuint length, out UniqueId id)
        {
            id = default;
            if (length != Digits || !TryParse(text, out ulong high) || !TryParse(text + (Digits / 2), out ulong low))
            {
                return false;
            }

            id = new UniqueId(high, low);
            return !id.IsUnset;
        }

        public bool Equals(UniqueId other) => _high == other._high && _low == other._low;

        public override bool Equals(object? obj) => obj is UniqueId other && Equals(other);

        public override int GetHashCode() => (_high ^ _low).GetHashCode();

        public override unsafe string ToString()
        {
            if (IsUnset)
            {
                return "";
            }

            char* text = stackalloc char[Digits];
            for (int i = 0; i < Digits / 2; i++)
            {
                int shift = 60 - (4 * i);
                text[i] = UpperHex[(int)(_high >> shift) & 0xF];
                text[i + (Digits / 2)] = UpperHex[(int)(_low >> shift) & 0xF];
            }

            return new string(text, 0, Digits);
        }

        private static unsafe bool TryParse(byte* text, out ulong half)
        {
            half = 0;
            for (int i = 0; i < Digits / 2; i++)
            {
                int digit = text[i] switch
                {
                    >= (byte)'0' and <= (byte)'9' => text[i] - '0',
                    >= (byte)'A' and <= (byte)'F' => text[i] - 'A' + 10,
                    _ => -1,
                };
                if (digit < 0)
                {
                    return false;
                }

                half = (half << 4) | (uint)digit;
            }

            return true;
        }
    }
}
