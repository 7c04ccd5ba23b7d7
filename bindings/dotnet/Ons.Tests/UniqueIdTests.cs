using System;
using System.Linq;
using System.Text;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against a message id that comes back as another one, and against a note of every process there ever was.</summary>
    public class UniqueIdTests
    {
        private const string Hex = "0123456789ABCDEF";

        [Fact]
        public void An_id_comes_back_as_it_was()
        {
            var random = new Random(1);
            for (int i = 0; i < 1_000; i++)
            {
                // Of few processes, so that prefixes come back too.
                string text = $"7F0000010000{i % 50:X8}" + new string([.. Enumerable.Range(0, 12).Select(_ => Hex[random.Next(16)])]);
                Assert.Equal(text, Parse(text, isOwn: true)?.ToString());
                Assert.Equal(Parse(text, isOwn: true), Parse(text, isOwn: false));
            }

            Assert.NotEqual(Parse(Text(1, 1), isOwn: true), Parse(Text(1, 2), isOwn: true));
            Assert.NotEqual(Parse(Text(1, 1), isOwn: true), Parse(Text(2, 1), isOwn: true));
            Assert.Equal("", default(UniqueId).ToString());
        }

        [Fact]
        public void What_could_not_come_back_is_not_taken()
        {
            byte[] good = Encoding.ASCII.GetBytes(Text(0x7F00, 0xABCDEF));
            for (int i = 0; i < good.Length; i++)
            {
                for (int character = 0; character < 256; character++)
                {
                    byte[] text = [.. good];
                    text[i] = (byte)character;
                    string? expected = Hex.Contains((char)character, StringComparison.Ordinal) ? Encoding.ASCII.GetString(text) : null;
                    Assert.Equal(expected, Parse(text, isOwn: true)?.ToString());
                }
            }

            Assert.Null(Parse("", isOwn: true));
            Assert.Null(Parse(Text(1, 1).Substring(1), isOwn: true));
            Assert.Null(Parse(Text(1, 1) + "0", isOwn: true));
        }

        [Fact]
        public void Processes_beyond_a_limit_are_not_noted_but_the_own_one_is()
        {
            int taken = Enumerable.Range(1 << 20, 2 * UniqueIdPrefix.ForeignMax).Count(process => Parse(Text(process, 1), isOwn: false) is not null);
            Assert.InRange(taken, 1, UniqueIdPrefix.ForeignMax);
            Assert.Equal(Text(1 << 20, 2), Parse(Text(1 << 20, 2), isOwn: false)?.ToString());

            string own = Text(1 << 28, 3);
            Assert.Null(Parse(own, isOwn: false));
            Assert.Equal(own, Parse(own, isOwn: true)?.ToString());
            Assert.Equal(own, Parse(own, isOwn: false)?.ToString());
        }

        private static string Text(int process, int number) => $"7F00000100{process:X8}00{number:X12}";

        private static UniqueId? Parse(string text, bool isOwn) => Parse(Encoding.ASCII.GetBytes(text), isOwn);

        private static unsafe UniqueId? Parse(byte[] text, bool isOwn)
        {
            fixed (byte* start = text)
            {
                return UniqueId.TryParse(start, (nuint)text.Length, isOwn, out UniqueId id) ? id : null;
            }
        }
    }
}
