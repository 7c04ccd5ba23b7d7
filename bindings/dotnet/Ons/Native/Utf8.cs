using System;
using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Ons.Native
{
    /// <summary>Text that leaves for the native library: UTF-8 in the caller's stack buffer, or in a rented one when it is long.</summary>
    internal ref struct Utf8Argument
    {
        public const int StackBytes = 128;

        // UTF-8 needs at most three bytes for one UTF-16 unit.
        private const int BytesPerCharMax = 3;

        private readonly Span<byte> _buffer;
        private byte[]? _rented;
        private readonly int _length;

        public unsafe Utf8Argument(string text, Span<byte> stack)
        {
            _rented = null;
            _buffer = stack;
            if (text.Length > stack.Length / BytesPerCharMax)
            {
                _buffer = _rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(text));
            }

            _length = 0;
            if (text.Length != 0)
            {
                fixed (char* chars = text)
                fixed (byte* bytes = _buffer)
                {
                    _length = Encoding.UTF8.GetBytes(chars, text.Length, bytes, _buffer.Length);
                }
            }
        }

        public readonly nuint Length => (nuint)_length;

        /// <summary>Never null, also for the empty text: some functions tell "" from a missing value.</summary>
        public readonly ref byte GetPinnableReference() => ref MemoryMarshal.GetReference(_buffer);

        public void Dispose()
        {
            if (_rented is { } rented)
            {
                _rented = null;
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    /// <summary>Text that comes from the native library.</summary>
    internal static unsafe class Utf8
    {
        public static string Decode(byte* text, nuint length) =>
            length == 0 ? "" : Encoding.UTF8.GetString(text, checked((int)length));
    }

    /// <summary>Remembers the last text seen, because consecutive messages of a subscription nearly always carry the same one.</summary>
    internal sealed class Utf8Cache
    {
        private Entry _last = new([], "");

        public unsafe string Decode(byte* text, nuint length)
        {
            var bytes = new ReadOnlySpan<byte>(text, checked((int)length));
            Entry last = _last;
            if (bytes.SequenceEqual(last.Bytes))
            {
                return last.Text;
            }

            // Several threads may race here: each returns its own right answer, and any of them may be remembered.
            string decoded = Utf8.Decode(text, length);
            _last = new Entry(bytes.ToArray(), decoded);
            return decoded;
        }

        private sealed class Entry(byte[] bytes, string text)
        {
            public byte[] Bytes { get; } = bytes;

            public string Text { get; } = text;
        }
    }
}
