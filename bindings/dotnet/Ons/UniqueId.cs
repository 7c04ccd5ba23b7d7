using System;
using System.Buffers.Binary;

namespace Ons
{
    /// <summary>
    /// A message id in 8 bytes instead of the 88 of its text: most programs never read it, and a send should not pay for it.
    /// Its first 20 digits name the process that made it; they are kept once for all ids of that process.
    /// </summary>
    internal readonly struct UniqueId : IEquatable<UniqueId>
    {
        public const int Digits = 32;

        private const int SuffixBits = 48;
        private const int HalfDigits = Digits / 2;
        private const string UpperHex = "0123456789ABCDEF";

        // The prefix's number, which is never 0, and behind it the last twelve digits.
        private readonly ulong _packed;

        private UniqueId(ulong packed) => _packed = packed;

        public static bool operator ==(UniqueId left, UniqueId right) => left.Equals(right);

        public static bool operator !=(UniqueId left, UniqueId right) => !left.Equals(right);

        /// <summary>Takes only ids it can give back unchanged: 32 upper-case digits, of a process of which there is or can be a note.</summary>
        public static unsafe bool TryParse(byte* text, nuint length, out UniqueId id) => TryParse(text, length, isOwn: false, out id);

        /// <summary>As the other, for an id that a producer of this process made: there is always room for those.</summary>
        public static unsafe bool TryParse(byte* text, nuint length, bool isOwn, out UniqueId id)
        {
            id = default;
            if (length != Digits || !TryParse(text, out ulong high) || !TryParse(text + HalfDigits, out ulong low)
                || !UniqueIdPrefix.TryFind(high, (ushort)(low >> SuffixBits), isOwn, out ushort number))
            {
                return false;
            }

            id = new UniqueId(((ulong)number << SuffixBits) | (low & ((1ul << SuffixBits) - 1)));
            return true;
        }

        public bool Equals(UniqueId other) => _packed == other._packed;

        public override bool Equals(object? obj) => obj is UniqueId other && Equals(other);

        public override int GetHashCode() => _packed.GetHashCode();

        public override unsafe string ToString()
        {
            if (_packed == 0)
            {
                return "";
            }

            var prefix = UniqueIdPrefix.Of((ushort)(_packed >> SuffixBits));
            ulong low = ((ulong)prefix.Low << SuffixBits) | (_packed & ((1ul << SuffixBits) - 1));
            char* text = stackalloc char[Digits];
            for (int i = 0; i < HalfDigits; i++)
            {
                int shift = 60 - (4 * i);
                text[i] = UpperHex[(int)(prefix.High >> shift) & 0xF];
                text[i + HalfDigits] = UpperHex[(int)(low >> shift) & 0xF];
            }

            return new string(text, 0, Digits);
        }

        private static unsafe bool TryParse(byte* text, out ulong half)
        {
            var digits = new ReadOnlySpan<byte>(text, HalfDigits);
            bool isHex = TryParseEight(BinaryPrimitives.ReadUInt64LittleEndian(digits), out uint first)
                & TryParseEight(BinaryPrimitives.ReadUInt64LittleEndian(digits.Slice(HalfDigits / 2)), out uint second);
            half = ((ulong)first << 32) | second;
            return isHex;
        }

        /// <summary>Eight digits at a time, the first of them in the lowest byte.</summary>
        private static bool TryParseEight(ulong text, out uint value)
        {
            // Letters have bit 6 set and follow the digits by nine more than their low four bits say.
            ulong nibbles = (text & 0x0F0F_0F0F_0F0F_0F0F) + (9 * ((text >> 6) & 0x0101_0101_0101_0101));
            ulong letters = ((nibbles + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
            ulong writtenBack = nibbles + 0x3030_3030_3030_3030 + (7 * letters);
            bool isHex = (nibbles & 0xF0F0_F0F0_F0F0_F0F0) == 0 && writtenBack == text;

            ulong bytes = ((nibbles & 0x000F_000F_000F_000F) << 4) | ((nibbles >> 8) & 0x000F_000F_000F_000F);
            ulong shorts = ((bytes & 0x0000_00FF_0000_00FF) << 8) | ((bytes >> 16) & 0x0000_00FF_0000_00FF);
            value = (uint)((shorts & 0xFFFF) << 16) | (uint)((shorts >> 32) & 0xFFFF);
            return isHex;
        }
    }
}
