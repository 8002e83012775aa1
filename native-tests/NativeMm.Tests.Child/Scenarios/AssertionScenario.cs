using NativeMm.Diagnostics;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>The exit code is 1 where structures look at what they changed.</summary>
internal static class AssertionScenario
{
    public static int Run(string[] arguments) => Invariant.AreAsserted && arguments.Length == 0 ? 1 : 0;
}
