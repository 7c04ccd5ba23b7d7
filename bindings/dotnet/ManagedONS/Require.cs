namespace ons
{
    /// <summary>Wrong calls, told the documented way: an ONSClientException with the number -1.</summary>
    internal static class Require
    {
        public const int WrongCall = -1;

        public static T NotNull<T>(T? value, string name)
            where T : class => value ?? throw new ONSClientException($"{name} is null", WrongCall);

        public static string NotEmpty(string? value, string name) =>
            string.IsNullOrEmpty(value) ? throw new ONSClientException($"{name} is null or empty", WrongCall) : value!;
    }
}
