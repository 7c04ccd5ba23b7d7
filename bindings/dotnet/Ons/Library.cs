using System;
using Ons.Native;

namespace Ons
{
    /// <summary>The native library behind these classes.</summary>
    public static unsafe class Library
    {
        // The ABI only grows: any later one has what this one has. It is the one that the imports were generated from.
        private const int NeededAbi = 3;

        private static readonly Lazy<string> s_version = new(ReadVersion);

        /// <summary>Its version, such as <c>0.1.0</c>.</summary>
        public static string Version => s_version.Value;

        /// <summary>Fails early and readably when the library is missing or not the one these classes were made for.</summary>
        internal static void Load() => _ = s_version.Value;

        private static string ReadVersion()
        {
            try
            {
                int abi;
                ons_error* error;
                OnsException.Check(NativeMethods.ons_abi_version(&abi, &error), error);
                if (abi < NeededAbi)
                {
                    throw new OnsException($"the native library has ABI version {abi}, these classes need at least {NeededAbi}: use files of one release");
                }

                byte* text;
                nuint length;
                OnsException.Check(NativeMethods.ons_version(&text, &length, &error), error);
                return Utf8.Decode(text, length);
            }
            catch (DllNotFoundException e)
            {
                throw new DllNotFoundException(
                    $"the native library onsclient4cpp was not found; it belongs beside the program, in {AppContext.BaseDirectory} (built from source: run `make`, then build the program again). {e.Message}",
                    e);
            }
        }
    }
}
