using System;
using System.Globalization;

namespace ons
{
    /// <summary>Wrong calls, told the documented way: an ONSClientException with the number -1.</summary>
    internal static class Require
    {
        public const int WrongCall = -1;

        private static readonly long s_firstTime = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
        private static readonly long s_lastTime = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

        public static T NotNull<T>(T? value, string name)
            where T : class => value ?? throw new ONSClientException($"{name} is null", WrongCall);

        public static string NotEmpty(string? value, string name) =>
            string.IsNullOrEmpty(value) ? throw new ONSClientException($"{name} is null or empty", WrongCall) : value!;

        public static void InRange(long value, long min, long max, string name)
        {
            if (value < min || value > max)
            {
                throw new ONSClientException($"{name} is {value}, allowed are {min} to {max}", WrongCall);
            }
        }

        public static int Int(string value, string name)
        {
            long number = Long(value, name);
            InRange(number, int.MinValue, int.MaxValue, name);
            return (int)number;
        }

        public static long Long(string value, string name) =>
            long.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out long number)
                ? number
                : throw new ONSClientException($"{name} is '{value}', allowed are whole numbers of 64 bits", WrongCall);

        /// <summary>A time in milliseconds since the epoch, within the years 1 to 9999.</summary>
        public static DateTimeOffset Time(long milliseconds, string name)
        {
            InRange(milliseconds, s_firstTime, s_lastTime, name);
            return DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
        }
    }
}
