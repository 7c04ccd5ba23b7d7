using Xunit.Sdk;
using Xunit.v3;

// The tests of a class share one broker directory's environment with programs they start.
[assembly: Parallelization(Mode = ParallelMode.None)]
