using System.Diagnostics;
using System.Reflection;
using NativeMm.Primitives;

namespace NativeMm.Tests.Support;

/// <summary>How the core under test was built.</summary>
internal static class CoreBuild
{
    /// <summary>Whether the JIT may optimize it; a Debug build forbids that.</summary>
    public static bool IsOptimized { get; } =
        typeof(Pfn).Assembly.GetCustomAttribute<DebuggableAttribute>() is not { IsJITOptimizerDisabled: true };

    /// <summary>The reason to skip what needs an optimized build, or null.</summary>
    public static string? SkipUnlessOptimized => IsOptimized ? null : "Needs a Release build: the code of a Debug build says nothing.";
}
