using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading;
using Xunit;

namespace Ons.Tests
{
    /// <summary>
    /// Guards against losing, doubling or reordering what SendAsync and Send told to be stored when the process is killed. A
    /// writer with eight threads and a consumer is killed with SIGKILL at random moments, while it opens too. After each kill
    /// everything is consumed and compared, and what the writer's consumer never got must not lie behind its offset.
    /// </summary>
    public sealed class KillTests
    {
        private const string Topic = "crash";
        private const int KillsPerDirectory = 5;
        private const int LongLife = 1;
        private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

        [Fact]
        public void A_killed_writer_loses_nothing_that_was_acknowledged()
        {
            int wanted = ProgramRun.IsWhole ? 50 : 3;
            int seed = Environment.GetEnvironmentVariable("ONS_TEST_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Environment.TickCount;
            var random = new Random(seed);
            int kills = 0;
            int sending = 0;
            int committed = 0;
            long acknowledged = 0;
            while (sending < wanted || committed == 0)
            {
                Assert.True(kills < 20 + (4 * wanted), $"seed {seed}: only {sending} of {kills} kills met a sending writer");
                string flush = random.Next(2) == 0 ? "SYNC_FLUSH" : "ASYNC_FLUSH";
                using var broker = new TestBroker(flush: flush);
                broker.Broker.Dispose();
                var history = new History();
                for (int life = 0; life < KillsPerDirectory && (sending < wanted || committed == 0); life++)
                {
                    int before = history.Acknowledged.Count;
                    string place = $"seed {seed}, kill {kills}, {flush}";
                    WriteUntilKilled(broker.Address, flush, life, random, history);
                    committed += history.Check(broker, flush, life, place) ? 1 : 0;
                    sending += history.Acknowledged.Count > before ? 1 : 0;
                    kills++;
                }

                acknowledged += history.Acknowledged.Count;
            }

            Console.WriteLine($"prove: kills of a C# writer: {kills} SIGKILLs, {sending} of them while 8 threads sent, {committed} behind committed offsets (seed {seed}), {acknowledged} messages acknowledged, 0 lost, 0 doubled, 0 reordered, 0 passed over");
        }

        private static void WriteUntilKilled(string address, string flush, int life, Random random, History history)
        {
            // While it opens, right after that, in the middle of sending, or late enough for offsets to be written.
            bool isLong = life == LongLife;
            string milestone = isLong ? "ack" : random.Next(5) switch { 0 => "opening .", 1 => "open .", _ => "ack" };
            using var reached = new ManualResetEventSlim();
            var lines = new List<string>();
            using (var writer = new ProgramRun("TestProgram", NoteLine, "write", address, flush, $"{life}"))
            {
                writer.Await(reached, s_patience);
                // No wait for an event: the moment of the kill is the point.
                Thread.Sleep(isLong ? 1000 + random.Next(1500) : milestone == "ack" ? random.Next(200) : random.Next(15));
                writer.Kill();
                // SIGKILL; anything else is an end of its own.
                Assert.True(writer.WaitForExit(s_patience) == 128 + 9, writer.Errors);
            }

            foreach (string[] words in lines.Select(line => line.Split(' ')))
            {
                switch (words)
                {
                    case ["ack", string thread, string number, "."]:
                        history.Acknowledged.Add(Name.Of(thread, number));
                        break;
                    case ["got", string thread, string number, "."]:
                        history.Delivered.Add(Name.Of(thread, number));
                        break;
                    case ["failed", ..]:
                        Assert.Fail(string.Join(' ', words));
                        break;
                }
            }

            void NoteLine(string line)
            {
                lines.Add(line);
                if (line.StartsWith(milestone, StringComparison.Ordinal))
                {
                    reached.Set();
                }
            }
        }

        private readonly record struct Name(int Thread, int Number)
        {
            public static Name Of(string thread, string number) =>
                new(int.Parse(thread, CultureInfo.InvariantCulture), int.Parse(number, CultureInfo.InvariantCulture));
        }

        /// <summary>Everything the writers of one directory said.</summary>
        private sealed class History
        {
            private int _deliveredAtLastCheck;

            public List<Name> Acknowledged { get; } = [];

            public HashSet<Name> Delivered { get; } = [];

            /// <summary>True: the writer had committed some offset since the last check.</summary>
            public bool Check(TestBroker directory, string flush, int life, string place)
            {
                int deliveredBefore = _deliveredAtLastCheck;
                using var settings = new FactoryProperty { ["FlushDiskType"] = flush };
                using var broker = EmbeddedBroker.Open(directory.Address["embedded:".Length..], settings);
                SortedDictionary<(int Queue, long Offset), Name> log = ConsumeAll(directory, broker, $"GID_check_{life}", place);
                SortedDictionary<(int Queue, long Offset), Name> left = ConsumeAll(directory, broker, "GID_inside", place);
                Delivered.UnionWith(left.Values);
                _deliveredAtLastCheck = log.Count;

                var places = new Dictionary<Name, (int, long)>();
                var last = new Dictionary<(int, int), int>();
                foreach (((int queue, long offset), Name name) in log)
                {
                    Assert.True(places.TryAdd(name, (queue, offset)), $"{place}: {name} is stored twice");
                    Assert.True(last.GetValueOrDefault((queue, name.Thread), -1) < name.Number, $"{place}: {name} stands behind a later one");
                    last[(queue, name.Thread)] = name.Number;
                }

                AssertNone(Acknowledged.Where(name => !places.ContainsKey(name)), "acknowledged and lost", place);
                AssertNone(Delivered.Where(name => !places.ContainsKey(name)), "delivered and lost", place);
                AssertNone(log.Values.Where(name => !Delivered.Contains(name)), "passed over by the offset", place);
                return log.Count - left.Count > deliveredBefore;
            }

            private static void AssertNone(IEnumerable<Name> names, string what, string place)
            {
                Name[] all = [.. names];
                Assert.True(all.Length == 0, $"{place}: {all.Length} messages are {what}, the first is {all.FirstOrDefault()}");
            }

            /// <summary>What a group has not consumed, by its place. A place may be delivered twice, that is allowed.</summary>
            private static SortedDictionary<(int Queue, long Offset), Name> ConsumeAll(TestBroker directory, EmbeddedBroker broker, string group, string place)
            {
                var log = new SortedDictionary<(int, long), Name>();
                long count;
                try
                {
                    count = broker.Backlog(group, Topic);
                }
                catch (OnsException e) when (e.Status == OnsStatus.TopicNotExist)
                {
                    // The first message makes the topic; a kill may come before it.
                    count = 0;
                }

                if (count == 0)
                {
                    return log;
                }

                using var complete = new ManualResetEventSlim();
                using PushConsumer consumer = directory.StartConsumer(
                    message =>
                    {
                        string[] words = Encoding.ASCII.GetString(message.Body.Span).Split(' ');
                        lock (log)
                        {
                            log[(message.QueueId, message.QueueOffset)] = Name.Of(words[0], words[1]);
                            if (log.Count == count)
                            {
                                complete.Set();
                            }
                        }

                        return ConsumeAction.CommitMessage;
                    },
                    Topic,
                    group: group);
                Assert.True(complete.Wait(s_patience), $"{place}: {group} consumed {log.Count} of {count}");
                consumer.Shutdown();
                return log;
            }
        }
    }
}
