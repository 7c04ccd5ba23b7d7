// How fast the .NET classes are. Prints one JSON object a row:
//     {"name":"dotnet_send_p50","value":5.1,"unit":"us"}
//
// Bench DIRECTORY [ROW...]: DIRECTORY holds the messages while it runs, so it chooses the disk; all rows when none is named.
// Other lines, if any, go to the standard error. BENCH_SECONDS is the length of each row's measurement.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;

namespace Bench
{
    internal static class Program
    {
        private static readonly (string Name, string Unit, Func<BenchBroker, Task<double>> Measure, string Flush)[] s_rows =
        [
            ("dotnet_send_p50", "us", SendRows.MedianOfOneByOne, "ASYNC_FLUSH"),
            ("dotnet_pipelined", "/s", PipelinedRow.PerSecond, "ASYNC_FLUSH"),
            ("dotnet_durable_64", "/s", SendRows.PerSecondOf64Callers, "SYNC_FLUSH"),
            ("dotnet_alloc_send", "B", AllocationRows.PerSend, "ASYNC_FLUSH"),
            ("dotnet_alloc_receive", "B", AllocationRows.PerDelivery, "ASYNC_FLUSH"),
        ];

        public static TimeSpan Length { get; } =
            TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable("BENCH_SECONDS") ?? "2", CultureInfo.InvariantCulture));

        private static async Task<int> Main(string[] args)
        {
            List<string> wanted = [.. args.Skip(1)];
            string? unknown = wanted.Find(name => s_rows.All(row => row.Name != name));
            if (args.Length == 0 || unknown is not null)
            {
                await Console.Error.WriteLineAsync($"usage: Bench DIRECTORY [ROW...], of the rows {string.Join(", ", s_rows.Select(row => row.Name))}");
                return 2;
            }

            foreach (var row in s_rows.Where(row => wanted.Count == 0 || wanted.Contains(row.Name)))
            {
                using var broker = new BenchBroker(args[0], row.Name, row.Flush);
                double value = await row.Measure(broker);
                Console.WriteLine(FormattableString.Invariant($"{{\"name\":\"{row.Name}\",\"value\":{value:0.###},\"unit\":\"{row.Unit}\"}}"));
            }

            return 0;
        }
    }
}
