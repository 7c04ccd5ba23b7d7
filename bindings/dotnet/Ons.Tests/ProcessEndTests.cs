using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against a process that cannot end, or that leaves things behind while it lives long.</summary>
    public sealed class ProcessEndTests(ProcessEndTests.Summary summary) : IClassFixture<ProcessEndTests.Summary>
    {
        private const int ExpectedExitCode = 7;
        private const int WholeTimes = 20;
        private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);
        private static readonly TimeSpan s_wholePatience = TimeSpan.FromHours(1);

        public static TheoryData<string> Ways => ["idle", "listening", "busy", "exit-in-listener", "shutdown-at-exit", "unhandled", "SIGTERM", "SIGINT", "host-SIGTERM", "host-SIGINT"];

        [Theory]
        [MemberData(nameof(Ways))]
        public void A_process_ends_whatever_runs_in_it(string way)
        {
            int times = ProgramRun.IsWhole ? WholeTimes : 1;
            for (int i = 0; i < times; i++)
            {
                using var directory = new TestBroker();
                string address = directory.Address + "-of-the-program";
                switch (way)
                {
                    case "unhandled":
                        // SIGABRT, which is how the runtime ends a program after an exception that nobody handles.
                        Assert.Contains("nobody handles this", EndsByItself(way, address, 128 + 6), StringComparison.Ordinal);
                        break;
                    case "SIGTERM" or "SIGINT":
                        EndsBySignal("TestProgram", way[3..], way == "SIGTERM" ? 128 + 15 : 128 + 2, ["waiting", address]);
                        break;
                    case "host-SIGTERM" or "host-SIGINT":
                        Assert.Contains("stopped", EndsBySignal("HostProgram", way["host-SIG".Length..], 0, [address]));
                        break;
                    default:
                        Assert.Equal("", EndsByItself(way, address, ExpectedExitCode));
                        break;
                }
            }

            summary.Ended(way);
        }

        [Fact]
        public void Cycles_leave_nothing_behind()
        {
            using var directory = new TestBroker();
            ProgramRun.Run("TestProgram", s_wholePatience, "cycles", directory.Address + "-of-cycles", ProgramRun.IsWhole ? "10000" : "100");
        }

        [Fact]
        public void A_shutdown_ends_every_send_of_eight_threads()
        {
            using var directory = new TestBroker();
            string seed = Environment.GetEnvironmentVariable("ONS_TEST_SEED") ?? Environment.TickCount.ToString(CultureInfo.InvariantCulture);
            ProgramRun.Run("TestProgram", s_wholePatience, "shutdown-race", directory.Address + "-of-races", ProgramRun.IsWhole ? "1000" : "30", seed);
        }

        /// <summary>What it wrote to its errors.</summary>
        private static string EndsByItself(string mode, string address, int expected)
        {
            var lines = new List<string>();
            using var run = new ProgramRun("TestProgram", lines.Add, mode, address);
            Assert.True(run.WaitForExit(s_patience) == expected, run.Errors);
            Assert.DoesNotContain("closed: False", lines);
            return run.Errors;
        }

        /// <summary>All it said.</summary>
        private static List<string> EndsBySignal(string program, string signal, int expected, string[] arguments)
        {
            var lines = new List<string>();
            using var ready = new ManualResetEventSlim();
            using var run = new ProgramRun(program, NoteLine, arguments);
            run.Await(ready, s_patience);
            run.Signal(signal);
            Assert.True(run.WaitForExit(s_patience) == expected, run.Errors);
            return lines;

            void NoteLine(string line)
            {
                lines.Add(line);
                if (line == "ready")
                {
                    ready.Set();
                }
            }
        }

        /// <summary>One line for all ways.</summary>
        public sealed class Summary : IDisposable
        {
            private readonly List<string> _ways = [];

            public void Ended(string way) => _ways.Add(way);

            public void Dispose()
            {
                if (_ways.Count > 0)
                {
                    int times = ProgramRun.IsWhole ? WholeTimes : 1;
                    Console.WriteLine($"prove: end of a .NET process with everything running ({string.Join(", ", _ways)}): {times} times each, 0 hung");
                }
            }
        }
    }
}
