using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>A fact about generated code; skipped, and said so, in a Debug build.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OptimizedFactAttribute : FactAttribute
{
    public OptimizedFactAttribute() => Skip = CoreBuild.SkipUnlessOptimized;
}
