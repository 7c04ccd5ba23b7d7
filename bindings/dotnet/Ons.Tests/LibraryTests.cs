using System.Reflection;
using System.Runtime.InteropServices;
using Xunit;

namespace Ons.Tests
{
    /// <summary>Guards against a library that is too old and says so only when something is missing in it.</summary>
    public unsafe class LibraryTests
    {
        [Fact]
        public void The_library_these_imports_were_generated_from_is_the_oldest_that_will_do()
        {
            int version;
            void* error;
            Assert.Equal(0, ons_abi_version(&version, &error));

            object? needed = typeof(Library).GetField("NeededAbi", BindingFlags.NonPublic | BindingFlags.Static)?.GetRawConstantValue();

            Assert.Equal(version, needed);
        }

        [DllImport("onsclient4cpp")]
        private static extern int ons_abi_version(int* version, void** error);
    }
}
