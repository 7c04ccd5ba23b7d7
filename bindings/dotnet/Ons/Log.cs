using System;
using Ons.Native;

namespace Ons
{
    /// <summary>The library's log: a file, unless the program takes the lines itself.</summary>
    public static unsafe class Log
    {
        /// <summary>
        /// Hands every line to <paramref name="listener"/>, on any thread of the library, instead of the file; null goes back to
        /// the file. The listener must not call the library.
        /// </summary>
        public static void SetListener(Action<LogLevel, string>? listener)
        {
            Library.Load();
            ons_error* error;
            ons_status status = listener is null
                ? NativeMethods.ons_log_set_callback(null, null, null, &error)
                : NativeMethods.ons_log_set_callback(Callbacks.Log, Callbacks.Hold(listener), Callbacks.FreeTarget, &error);
            OnsException.Check(status, error);
        }

        /// <summary>Sets how much is logged.</summary>
        public static void SetLevel(LogLevel level)
        {
            Library.Load();
            ons_error* error;
            OnsException.Check(NativeMethods.ons_log_set_level((ons_log_level)level, &error), error);
        }

        /// <summary>Sets the file, the size from which a new one is begun, and how many old ones are kept.</summary>
        public static void SetFile(string path, long bytesMax, int oldFilesMax)
        {
            _ = path ?? throw new ArgumentNullException(nameof(path));
            Library.Load();
            using var pathArgument = new Utf8Argument(path, stackalloc byte[Utf8Argument.StackBytes]);
            fixed (byte* pathText = pathArgument)
            {
                ons_error* error;
                OnsException.Check(NativeMethods.ons_log_set_file(pathText, pathArgument.Length, bytesMax, oldFilesMax, &error), error);
            }
        }
    }
}
