using System;
using System.Collections.Concurrent;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against log lines that reach nobody.</summary>
    public class LogTests(QuietLog log)
    {
        [Fact]
        public void A_listener_gets_the_lines_until_it_is_taken_away()
        {
            var lines = new ConcurrentQueue<(LogLevel Level, string Text)>();
            Log.SetLevel(LogLevel.Debug);
            Log.SetListener((level, text) =>
            {
                lines.Enqueue((level, text));
                throw new InvalidOperationException("a failing log listener must do no harm");
            });
            try
            {
                // An unknown key is logged, once for a name.
                using var property = new FactoryProperty { ["unknown-" + Guid.NewGuid()] = "x" };
            }
            finally
            {
                Log.SetListener(null);
                Log.SetLevel(LogLevel.Info);
                log.Restore();
            }

            Assert.Contains(lines, line => line.Level == LogLevel.Warn && line.Text.Contains("unknown-", StringComparison.Ordinal));
            int count = lines.Count;
            using var other = new FactoryProperty { ["unknown-" + Guid.NewGuid()] = "x" };
            Assert.Equal(count, lines.Count);
        }

        [Fact]
        public void The_library_tells_its_version() => Assert.Matches(@"^\d+\.\d+\.\d+", Library.Version);
    }
}
