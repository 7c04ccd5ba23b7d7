using System;
using System.IO;

namespace Ons.Tests
{
    /// <summary>The tests' log goes to a scratch directory, not to the user's.</summary>
    public sealed class QuietLog : IDisposable
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ons-log-");

        public QuietLog() => Restore();

        public void Restore() => Log.SetFile(_directory.FullName, 1 << 20, 1);

        public void Dispose() => _directory.Delete(recursive: true);
    }
}
