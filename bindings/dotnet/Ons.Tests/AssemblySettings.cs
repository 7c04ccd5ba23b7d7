using Xunit;
using Xunit.Sdk;
using Xunit.v3;

// Several tests watch the threads, memory and descriptors of this process.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(Ons.Tests.QuietLog))]
