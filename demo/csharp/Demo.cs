// What the two demo programs share: their words, a message's body, percentiles and progress.
using System;
using System.Text;

internal static class Demo
{
    public const string Topic = "demo";
    private const int BodyBytes = 1024;
    private const int ProgressSteps = 20;

    public static int CountOf(string[] args) => args is [string count] ? int.Parse(count) : 100_000;

    /// <summary>The number in decimal, filled up to 1 KiB.</summary>
    public static byte[] BodyOf(int number)
    {
        byte[] body = new byte[BodyBytes];
        body.AsSpan().Fill((byte)'.');
        Encoding.UTF8.GetBytes($"{number} ", body);
        return body;
    }

    /// <summary>The value that so many percent of the sorted ones do not exceed.</summary>
    public static long Percentile(long[] sorted, int percent) => sorted.Length == 0 ? 0 : sorted[(sorted.Length - 1) * percent / 100];

    public static void ShowProgress(string verb, int done, int count)
    {
        if (done % (count / ProgressSteps + 1) == 0 || done == count)
        {
            Console.Error.Write($"\r{verb} {done} of {count}{(done == count ? "\n" : "")}");
        }
    }
}
